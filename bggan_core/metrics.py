"""Distances between a rendering and its ground truth, both float32 [H, W, 3] in [0, 1].

A mask is [H, W] in {0, 1}; what lies under a zero has no say. Without one, every pixel counts.
"""

import numpy as np
from scipy.ndimage import correlate1d, minimum_filter

from bggan_core.optics import Array

# Wang et al. 2004, sec. III-C.
_SSIM_WINDOW_SIGMA, _SSIM_WINDOW_REACH = 1.5, 5
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2


def psnr(rendering: Array, truth: Array, mask: Array | None = None) -> float:
    """Peak signal-to-noise ratio in dB, over all channels; infinite for equal images.

    Raises:
        ValueError: the shapes differ, or no pixel counts.
    """
    _require_equal_shapes(rendering, truth, mask)
    squared = (rendering.astype(np.float64) - truth) ** 2
    error = float(np.mean(squared if mask is None else squared[mask > 0]))
    return float("inf") if error == 0 else float(-10.0 * np.log10(error))


def ssim(rendering: Array, truth: Array, mask: Array | None = None) -> float:
    """Mean structural similarity over all channels and all places where the 11-pixel Gaussian window fits.

    With a mask, it must fit into what counts.

    Raises:
        ValueError: the shapes differ, a side is shorter than the window, or no window fits.
    """
    _require_equal_shapes(rendering, truth, mask)
    if min(rendering.shape[:2]) <= 2 * _SSIM_WINDOW_REACH:
        raise ValueError(f"SSIM's window needs sides of at least 11 pixels, got {rendering.shape[:2]}")
    x, y = rendering.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _window(x), _window(y)
    variance_x, variance_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    similarity = luminance * structure
    return float((similarity if mask is None else similarity[_windows_that_count(mask)]).mean())


def _windows_that_count(mask: Array) -> np.ndarray:
    """Where the window, if it fits into the picture, lies wholly on pixels that count."""
    reach = _SSIM_WINDOW_REACH
    counts = minimum_filter(mask, size=2 * reach + 1)[reach:-reach, reach:-reach] > 0
    if not counts.any():
        raise ValueError("the mask leaves no room for SSIM's window of 11 pixels")
    return counts


def _window(image: np.ndarray) -> np.ndarray:
    """Gaussian-weighted local means, where the window fits wholly."""
    reach = _SSIM_WINDOW_REACH
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SSIM_WINDOW_SIGMA) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = correlate1d(image, kernel, axis=axis)
    return image[reach:-reach, reach:-reach]


def _require_equal_shapes(rendering: np.ndarray, truth: np.ndarray, mask: np.ndarray | None) -> None:
    if rendering.shape != truth.shape:
        raise ValueError(f"rendering and truth must have one shape, got {rendering.shape} and {truth.shape}")
    if mask is None:
        return
    if mask.shape != truth.shape[:2]:
        raise ValueError(f"the mask must be {truth.shape[:2]}, got {mask.shape}")
    if not mask.any():
        raise ValueError("no pixel counts: the mask is empty")
