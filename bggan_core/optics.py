"""A thin lens for photos: from an all-in-focus picture, a subject matte and disparity to shallow depth of field.

Disparity is relative inverse depth in [0, 1], near = 1. A point at disparity d, with the lens focused at f, spreads
over a disc of radius r = a |d - f| on the sensor: exact for a thin lens, whose circle of confusion is linear in inverse
depth (Potmesil & Chakravarty 1982); a gathers aperture and focal length and is given in pixels. Light adds up in linear
units, so colours are decoded from sRGB first and encoded last. Arrays are float32 [H, W, 3] or [H, W].
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# A sensor clips lights that are many times brighter than white; blurring the clipped value would give grey smudges
# where a lens gives bright discs.
HIGHLIGHT_KNEE = 0.92


@dataclass(frozen=True)
class Lens:
    """Aperture and focus.

    Args:
        aperture_px: Radius of the disc of a point one unit of disparity away from the focal plane, in pixels.
        focus: Disparity of the focal plane, in [0, 1].
        depth_of_field: Disparities nearer to the focal plane than this stay sharp.
        highlight_gain: How much brighter than white a fully clipped pixel is taken to be, at least 1.
    """

    aperture_px: float
    focus: float
    depth_of_field: float = 0.04
    highlight_gain: float = 4.0

    def __post_init__(self) -> None:
        if self.aperture_px < 0 or self.highlight_gain < 1 or self.depth_of_field < 0:
            raise ValueError(f"a lens needs aperture_px >= 0, depth_of_field >= 0 and highlight_gain >= 1, got {self}")


def circle_of_confusion(disparity: Array, lens: Lens) -> Array:
    """Signed radius of confusion in pixels: positive behind the focal plane, negative in front of it."""
    defocus = lens.focus - disparity
    beyond = np.maximum(np.abs(defocus) - lens.depth_of_field, 0.0)
    return (np.sign(defocus) * beyond * lens.aperture_px).astype(np.float32)


def disc_kernel(radius_px: float) -> Array:
    """The point spread of a round aperture: an anti-aliased disc that sums to 1, with odd sides."""
    reach = max(int(np.ceil(radius_px)), 0)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius_px + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return (kernel / kernel.sum()).astype(np.float32)


def render_shallow_depth_of_field(
    photo: Array, matte: Array, disparity: Array, lens: Lens, *, layers: int = 8
) -> Array:
    """Photograph the scene again with a wide aperture, focused on the subject.

    The subject (the matte) lies in the focal plane. What it hides is filled in from around it before it is blurred,
    so that the sharp subject never bleeds into its background; what is nearer than the focal plane bleeds over the
    subject.

    Args:
        photo: All in focus, sRGB, [H, W, 3] in [0, 1].
        matte: Subject opacity, [H, W] in [0, 1].
        disparity: Of the scene; under the subject it is ignored, [H, W] in [0, 1].
        layers: Number of depth layers on each side of the focal plane.
    Returns:
        sRGB, [H, W, 3] in [0, 1].
    Raises:
        ValueError: the shapes differ or photo is not [H, W, 3].
    """
    if photo.ndim != 3 or photo.shape[2] != 3 or not photo.shape[:2] == matte.shape == disparity.shape:
        raise ValueError(
            f"shapes must agree, got photo {photo.shape}, matte {matte.shape}, disparity {disparity.shape}"
        )
    sharp = srgb_to_linear(photo)
    light = restore_highlights(sharp, gain=lens.highlight_gain)
    hidden = cv2.dilate(matte, np.ones((3, 3), np.uint8), iterations=max(1, photo.shape[1] // 128)) > 0.05
    plate = fill_hidden(np.dstack([light, disparity]), hidden)
    radius = circle_of_confusion(plate[..., 3], lens)
    subject = fill_hidden(sharp, matte < 0.7) if (matte >= 0.7).any() else sharp
    behind = _composite_layers(plate[..., :3], np.maximum(radius, 0.0), layers)
    # What is in focus was clipped by the sensor as the photo shows it: its restored light would come out too white.
    in_focus = (np.clip(1.0 - np.abs(radius), 0.0, 1.0) * ~hidden)[..., None]
    behind = in_focus * sharp + (1.0 - in_focus) * behind
    scene = matte[..., None] * subject + (1.0 - matte[..., None]) * behind
    nearer = np.maximum(-radius, 0.0) * (1.0 - matte)
    scene = _blur_foreground_over(scene, light=plate[..., :3], radius=nearer, layers=layers)
    return linear_to_srgb(np.clip(scene, 0.0, 1.0))


def srgb_to_linear(encoded: Array) -> Array:
    """Decode sRGB to linear light, both in [0, 1] (IEC 61966-2-1)."""
    low, high = encoded / 12.92, ((np.maximum(encoded, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


def linear_to_srgb(light: Array) -> Array:
    """Encode linear light as sRGB, both in [0, 1] (IEC 61966-2-1)."""
    low, high = light * 12.92, 1.055 * np.maximum(light, 0.0) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, low, high).astype(np.float32)


def restore_highlights(light: Array, *, gain: float) -> Array:
    """Give clipped pixels back the light the sensor cut off: white becomes `gain` times white, the knee stays."""
    brightness = light.min(axis=2, keepdims=True)  # saturated colours are seldom clipped lamps
    excess = np.clip((brightness - HIGHLIGHT_KNEE) / (1.0 - HIGHLIGHT_KNEE), 0.0, 1.0) ** 2
    return (light * (1.0 + (gain - 1.0) * excess)).astype(np.float32)


def fill_hidden(image: Array, hidden: npt.NDArray[np.bool_]) -> Array:
    """Fill the hidden pixels smoothly from the visible ones around them (push-pull, Gortler et al. 1996).

    Args:
        image: [H, W, C].
        hidden: [H, W]; where all is hidden the image comes back as it is.
    """
    if hidden.all() or not hidden.any():
        return image
    weight = (~hidden).astype(np.float32)
    filled = _push_pull(image * weight[..., None], weight)
    return np.where(hidden[..., None], filled, image).astype(np.float32)


def _push_pull(weighted: Array, weight: Array) -> Array:
    """Average downwards until every pixel is known, then fill the unknown ones from the coarser level."""
    height, width = weight.shape
    known = weighted / np.maximum(weight, 1e-6)[..., None]
    if min(height, width) <= 1 or (weight > 0).all():
        return known.astype(np.float32)
    half = (max(width // 2, 1), max(height // 2, 1))
    coarse = _push_pull(_resize_area(weighted, half), _resize_area(weight, half))
    coarse = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(known.shape)
    share = np.clip(weight, 0.0, 1.0)[..., None]
    return (share * known + (1.0 - share) * coarse).astype(np.float32)


def _resize_area(image: Array, size: tuple[int, int]) -> Array:
    """Area-average to (width, height), keeping the channel axis that OpenCV drops for one channel."""
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return resized.reshape((size[1], size[0], *image.shape[2:]))


def _composite_layers(light: Array, radius: Array, layers: int) -> Array:
    """Blur what lies at or behind the focal plane, farthest layer first, nearer layers over farther ones."""
    total, opacity = np.zeros_like(light), np.zeros(radius.shape, np.float32)
    for level, share in _split_by_radius(radius, layers):
        spread, cover = _blur_layer(light, share, level)
        total = spread + (1.0 - cover[..., None]) * total
        opacity = cover + (1.0 - cover) * opacity
    return (total / np.maximum(opacity, 1e-4)[..., None]).astype(np.float32)


def _blur_foreground_over(scene: Array, *, light: Array, radius: Array, layers: int) -> Array:
    """Blur what lies in front of the focal plane and lay it over the scene, nearest layer last."""
    for level, share in reversed(_split_by_radius(radius, layers)):
        if level > 0:
            spread, cover = _blur_layer(light, share, level)
            scene = spread + (1.0 - cover[..., None]) * scene
    return scene


def _split_by_radius(radius: Array, layers: int) -> list[tuple[float, Array]]:
    """Share every pixel between the two nearest of `layers` + 1 radii, widest first; empty layers are left out."""
    widest = float(radius.max())
    if widest < 0.5:
        return [(0.0, np.ones_like(radius))]
    step = widest / layers
    shares = [
        (level * step, np.clip(1.0 - np.abs(radius / step - level), 0.0, 1.0).astype(np.float32))
        for level in range(layers, -1, -1)
    ]
    return [(level, share) for level, share in shares if share.any()]


def _blur_layer(light: Array, share: Array, radius_px: float) -> tuple[Array, Array]:
    """Spread one layer's light over discs: its premultiplied light and its opacity, both at most what it holds."""
    layer = np.dstack([light * share[..., None], share])
    if radius_px >= 0.5:
        layer = cv2.filter2D(layer, -1, disc_kernel(radius_px), borderType=cv2.BORDER_REFLECT)
    return layer[..., :3], layer[..., 3]
