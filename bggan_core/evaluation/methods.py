"""What is compared: baselines that know nothing, an oracle that knows the subject, and networks."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.metrics import psnr
from bggan_core.optics import Array, Lens, render_shallow_depth_of_field
from bggan_core.rendering import MANIFEST_NAME, Photo, Renderer

# A pair to a rendering of its photo, float32 [H, W, 3] in [0, 1]. Only oracles look at more than the photo.
Method = Callable[[Pair], Array]

UNPROCESSED, GAUSSIAN, ORACLE, TRUTH = "Unprocessed photo", "Global Gaussian", "Matte-guided oracle", "Ground truth"

# Standard deviation of the global Gaussian where no set is at hand to fit it on, as a share of the longer side.
GAUSSIAN_SHARE = 1 / 256

# What the renderer scales photos to for a network that has no manifest yet.
_WORKING_PIXELS = 256 * 384

# Steps of a factor of the square root of 2, from 0.4 to 6 px and from 0.75 to 12 px of 384.
_GAUSSIAN_SHARES = tuple(2.0 ** -(exponent / 2) for exponent in range(12, 21))
_ORACLE_SHARES = tuple(2.0 ** -(exponent / 2) for exponent in range(10, 19))


def unprocessed(pair: Pair) -> Array:
    """The photo itself: what any method must beat."""
    return pair.photo


def ground_truth(pair: Pair) -> Array:
    """The bokeh itself: what the measures of focus give at best."""
    return pair.bokeh


def global_gaussian(photo: Array, share: float = GAUSSIAN_SHARE) -> Array:
    """One Gaussian over the whole photo, its standard deviation a share of the longer side: blur without a subject."""
    return cv2.GaussianBlur(photo, (0, 0), max(photo.shape) * share)


def fit_gaussian_share(pairs: Iterable[Pair]) -> float:
    """Find the share that brings the global Gaussian nearest to the ground truth, in mean PSNR over pairs.

    Give it other pairs than those it is then scored on.
    """
    return _nearest(pairs, _GAUSSIAN_SHARES, lambda share: lambda pair: global_gaussian(pair.photo, share))


def fit_oracle_share(pairs: Iterable[Pair]) -> float:
    """Find the disc of the matte-guided oracle likewise, on pairs with mattes that it is not scored on."""
    return _nearest(pairs, _ORACLE_SHARES, matte_oracle)


def _nearest(pairs: Iterable[Pair], shares: Sequence[float], build: Callable[[float], Method]) -> float:
    methods = [build(share) for share in shares]
    ratios = [[psnr(method(pair), pair.bokeh, pair.mask) for method in methods] for pair in pairs]
    return shares[int(np.mean(ratios, axis=0).argmax())]


def matte_oracle(blur_radius_share: float) -> Method:
    """Blur all but the subject by one disc: what the true matte is worth to a method without depth.

    Args:
        blur_radius_share: The disc's radius as a share of the longer side, the same for every pair.
    """

    def render(pair: Pair) -> Array:
        if pair.matte is None:
            raise ValueError(f"{pair.name}: the oracle needs the subject's matte, which photographs do not have")
        lens = Lens(aperture_px=blur_radius_share * max(pair.matte.shape), focus=1.0, depth_of_field=0.0)
        return render_shallow_depth_of_field(pair.photo, pair.matte, np.zeros_like(pair.matte), lens)

    return render


def network(folder: Path, *, working_pixels: int | None = None) -> Method:
    """Open a network: a folder of published weights, or a run's, whose last checkpoint is taken.

    Photos take the product's whole way, detail transfer included.

    Args:
        working_pixels: Area that larger photos are scaled to, instead of the manifest's.
    Raises:
        FileNotFoundError: the folder is neither.
    """
    renderer = _open(folder, working_pixels)

    def render(pair: Pair) -> Array:
        rendered = renderer.render(_to_photo(pair))
        return rendered.astype(np.float32) / np.float32(255)

    return render


def without_detail_transfer(folder: Path, *, working_pixels: int | None = None) -> dict[str, Method]:
    """Open a network for what detail transfer is compared with: by title, its two alternatives.

    The network at the working size with its output scaled up, and the network at the photo's own size.
    """
    renderer = _open(folder, working_pixels)

    return {
        "Network at the working size, scaled up": lambda pair: renderer.render_scaled_up(_to_photo(pair)),
        "Network at full size": lambda pair: renderer.render_at_working_size(pair.photo),
    }


def _to_photo(pair: Pair) -> Photo:
    return np.rint(pair.photo * 255).astype(np.uint8)


def _open(folder: Path, working_pixels: int | None) -> Renderer:
    if (folder / MANIFEST_NAME).is_file():
        renderer = Renderer.from_folder(folder)
    elif (folder / "config.json").is_file():
        renderer = _open_run(folder)
    else:
        raise FileNotFoundError(f"{folder} has neither {MANIFEST_NAME} (published weights) nor config.json (a run)")
    if working_pixels is not None:
        renderer.working_pixels = working_pixels
    return renderer


def _open_run(run: Path) -> Renderer:
    # TensorFlow takes seconds to import, and published weights do without it.
    from bggan_core.checkpoints import load_trained  # noqa: PLC0415
    from bggan_core.export import convert_to_tflite  # noqa: PLC0415

    trained, config, _ = load_trained(run)
    return Renderer(convert_to_tflite(trained, config.network), working_pixels=_WORKING_PIXELS)
