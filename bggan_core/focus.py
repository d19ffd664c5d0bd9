"""Did the rendering keep sharp what the lens kept sharp? Measures of *where* it blurs and by how much.

Most of them look at local detail: the root of the gradient energy of the grey picture, averaged over a Gaussian window.
The share of the photo's detail that a picture kept is about 1 where it is in focus and falls with the radius of blur;
neither misregistration by a pixel or two nor a defocused background's exact colours change it. What the lens kept
labels the scene, what the rendering kept is judged by the labels. Only textured pixels can be judged, and those that
the lens kept half sharp are left out as neither.

Pictures are float32 [H, W, 3] in [0, 1], masks [H, W] in {0, 1}. Lengths in pixels are those of a picture whose longer
side has 384 pixels, and scale with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr

from bggan_core.exposure import fit_gain_offset, match_exposure
from bggan_core.metrics import psnr
from bggan_core.optics import Aperture, Array, aperture_kernel, linear_to_srgb, srgb_to_linear

_REFERENCE_SIDE_PX = 384

# Radii that a rendering's blur is compared with, in pixels; beyond the last they are not told apart.
_RADII_PX = (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0)


@dataclass(frozen=True)
class FocusCriteria:
    """What counts as textured, in focus and out of focus.

    Args:
        window_px: Standard deviation of the window that detail is averaged over.
        textured: Smallest detail of the photo that can be judged: root-mean-square grey difference between neighbours,
            on [0, 1]. Two grey levels of 255 are what noise and JPEG leave of a flat wall.
        in_focus: Share of the photo's detail from which on the lens had a place in focus.
        out_of_focus: Share up to which it had it out of focus.
        smallest_share: Share of the picture that each label must cover for the picture to be judged.
    """

    window_px: float = 3.0
    textured: float = 4 / 255
    in_focus: float = 0.8
    out_of_focus: float = 0.6
    smallest_share: float = 0.01


CRITERIA = FocusCriteria()


@dataclass(frozen=True)
class FocusLabels:
    """Which pixels the lens had in and out of focus, bool [H, W]; the photo's detail, [H, W]."""

    in_focus: npt.NDArray[np.bool_]
    out_of_focus: npt.NDArray[np.bool_]
    photo_detail: Array
    criteria: FocusCriteria = CRITERIA


def local_detail(picture: Array, *, window_px: float = CRITERIA.window_px) -> Array:
    """Root-mean-square grey difference between neighbours around each pixel, [H, W]."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    padded = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    energy = cv2.GaussianBlur(across**2 + down**2, (0, 0), window_px * _scale(picture))
    return np.sqrt(np.maximum(energy, 0.0)).astype(np.float32)


def label_focus(photo: Array, bokeh: Array, mask: Array, *, criteria: FocusCriteria = CRITERIA) -> FocusLabels:
    """Label a scene by the share of the photo's detail that the lens kept, at equal exposure."""
    detail = local_detail(photo, window_px=criteria.window_px)
    kept = _share(local_detail(match_exposure(bokeh, photo, mask), window_px=criteria.window_px), detail)
    reach = max(1, round(2 * criteria.window_px * _scale(photo)))
    inner = cv2.erode(mask, np.ones((2 * reach + 1, 2 * reach + 1)), borderValue=1) > 0
    judged = inner & (detail >= criteria.textured)
    return FocusLabels(judged & (kept >= criteria.in_focus), judged & (kept <= criteria.out_of_focus), detail, criteria)


def focus_auc(rendering: Array, labels: FocusLabels) -> float:
    """Tell in-focus from out-of-focus pixels by the detail a rendering kept: area under the ROC curve.

    1 for the ground truth, 1/2 for the photo itself and for any rendering that does not know the subject, apart from
    what coarse and fine textures lose to one blur.

    Returns:
        NaN where one of the labels covers too little of the picture.
    """
    if not (_is_enough(labels.in_focus, labels) and _is_enough(labels.out_of_focus, labels)):
        return float("nan")
    kept = _kept(rendering, labels)
    return area_under_roc(kept[labels.in_focus], kept[labels.out_of_focus])


def detail_kept(rendering: Array, labels: FocusLabels) -> tuple[float, float]:
    """Median share of the photo's detail kept where the lens was in focus and where it was out of focus.

    A place with too few pixels gives NaN.
    """
    kept = _kept(rendering, labels)
    inside, outside = (
        float(np.median(kept[label])) if _is_enough(label, labels) else float("nan")
        for label in (labels.in_focus, labels.out_of_focus)
    )
    return inside, outside


def fitted_psnr_gain(rendering: Array, photo: Array, bokeh: Array, mask: Array) -> float:
    """How many dB a rendering is nearer to the ground truth than the photo is.

    Both are first fitted to it by a gain and an offset a channel, so that the exposure of the pair has no say.
    """
    return fitted_psnr(rendering, bokeh, mask) - fitted_psnr(photo, bokeh, mask)


def fitted_psnr(picture: Array, bokeh: Array, mask: Array) -> float:
    """PSNR in dB of a picture after it was fitted to the ground truth by a gain and an offset a channel."""
    return psnr(fit_gain_offset(picture, bokeh, mask).apply(picture), bokeh, mask)


def area_under_roc(positive: npt.NDArray[np.floating], negative: npt.NDArray[np.floating]) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann & Whitney's U over its range)."""
    ranks = rankdata(np.concatenate([positive, negative]))
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))


def matte_detail_kept(rendering: Array, photo: Array, matte: Array) -> float:
    """Share of the photo's gradient energy that a rendering kept inside the subject's matte.

    Pixel by pixel no more than the photo had, so that sharpening here does not make up for softness there. The matte's
    rim, where the background's blur is allowed in, is left out. NaN without a subject.
    """
    reach = max(1, round(_scale(photo) * 2))
    inside = cv2.erode((matte > 0.95).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1))) > 0
    if not inside.any():
        return float("nan")
    own, had = (local_detail(picture, window_px=1.0)[inside].astype(np.float64) ** 2 for picture in (rendering, photo))
    return float(np.minimum(own, had).sum() / max(had.sum(), 1e-12))


def blur_by_discs(photo: Array) -> list[Array]:
    """Blur a photo in linear light by discs of growing radius: what renderings of it are compared with."""
    light, scale = srgb_to_linear(photo), _scale(photo)
    kernels = [aperture_kernel(radius * scale, Aperture()) for radius in _RADII_PX]
    return [linear_to_srgb(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT)) for kernel in kernels]


def rendered_radius(rendering: Array, blurred: Sequence[Array]) -> Array:
    """Estimate the radius of the disc that turned the photo into the rendering, around each pixel: [H, W] in pixels.

    Of the blurred photos, the nearest to the rendering in a Gaussian window gives the radius.

    Args:
        blurred: The photo blurred by each radius, as `blur_by_discs` gives it.
    """
    scale = _scale(rendering)
    distances = [cv2.GaussianBlur(((each - rendering) ** 2).mean(axis=2), (0, 0), 2.0 * scale) for each in blurred]
    nearest = np.argmin(np.stack(distances), axis=0)
    return (np.asarray(_RADII_PX, np.float32) * scale)[nearest].astype(np.float32)


class RadiusJudge:
    """Compares how much renderings of one photo blur with how much the lens did.

    What depends on the photo alone, which is most of the work, is computed once and kept: fourteen blurred photos.

    Args:
        photo: sRGB [H, W, 3].
        matte: Opacity of the subject, [H, W]; what it covers is not judged.
        radius_px: Signed radius of confusion, [H, W].
    """

    def __init__(self, photo: Array, matte: Array, radius_px: Array) -> None:
        reach = max(1, round(_scale(photo) * 6))
        outside = cv2.dilate((matte > 0.05).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1))) == 0
        self._judged = outside & (local_detail(photo) >= CRITERIA.textured)
        self._true = np.abs(radius_px)[self._judged]
        enough = self._true.size >= CRITERIA.smallest_share * self._judged.size
        self._can_judge = enough and np.ptp(np.percentile(self._true, [10, 90])) >= 1.0
        self._blurred = blur_by_discs(photo) if self._can_judge else []

    def rank_correlation(self, rendering: Array) -> float:
        """Spearman's correlation of the rendered radius with the lens's, over textured pixels outside the matte.

        Returns:
            NaN where the lens's radius varies by less than a pixel between its 10th and 90th percentile, or too few
            pixels can be judged.
        """
        if not self._can_judge:
            return float("nan")
        rendered = rendered_radius(rendering, self._blurred)[self._judged]
        return float(spearmanr(rendered, self._true).statistic) if np.ptp(rendered) > 0 else 0.0


def _kept(rendering: Array, labels: FocusLabels) -> Array:
    return _share(local_detail(rendering, window_px=labels.criteria.window_px), labels.photo_detail)


def _share(detail: Array, of: Array) -> Array:
    return (detail / np.maximum(of, 1e-6)).astype(np.float32)


def _is_enough(label: npt.NDArray[np.bool_], labels: FocusLabels) -> bool:
    return int(label.sum()) >= labels.criteria.smallest_share * label.size


def _scale(picture: Array) -> float:
    return max(picture.shape[:2]) / _REFERENCE_SIDE_PX
