"""A thin lens for photos: from an all-in-focus picture, a subject matte and disparity to shallow depth of field.

Disparity is relative inverse depth in [0, 1], near = 1. A point at disparity d, with the lens focused at f, spreads
over a disc of radius r = a |d - f| on the sensor: exact for a thin lens, whose circle of confusion is linear in inverse
depth (Potmesil & Chakravarty 1982); a gathers aperture and focal length and is given in pixels. Light adds up in linear
units, so colours are decoded from sRGB first and encoded last. Arrays are float32 [H, W, 3] or [H, W].

`tests/bggan_core/thin_lens_tracer.py` traces rays through the same lens; the two must agree.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# A sensor clips lights that are many times brighter than white; blurring the clipped value would give grey smudges
# where a lens gives bright discs.
HIGHLIGHT_KNEE = 0.92

# Blur from which on a nearer surface is translucent at its rim, and what it hides must be filled in, in pixels.
FOREGROUND_RADIUS_PX = 1.0

# Opacity up to which a pixel is background, and from which on its colour is the subject's own.
BARELY, SURE = 0.05, 0.7

# How far around a subject its light is taken to reach, as a share of the longer side: a pixel of 384. Of softer rims a
# few grey levels then bleed into the background; more would fill in background that can be seen.
RIM = 1 / 384


@dataclass(frozen=True)
class Aperture:
    """The shape of the opening, and so of every out-of-focus light.

    Args:
        blades: Sides of the polygon that the blades of a stopped-down lens form; 0 is a circle.
        rotation_deg: By how much the polygon is turned.
        cat_eye: How far the lens' barrel cuts off discs in the corners of the picture (mechanical vignetting): the
            distance, in radii, between the two circles whose overlap is left of a corner's disc. Below 2.
    """

    blades: int = 0
    rotation_deg: float = 0.0
    cat_eye: float = 0.0

    def __post_init__(self) -> None:
        if self.blades in (1, 2) or self.blades < 0 or not 0 <= self.cat_eye < 2:
            raise ValueError(f"an aperture needs 0 or at least 3 blades and a cat_eye in [0, 2), got {self}")


@dataclass(frozen=True)
class Lens:
    """Aperture and focus.

    Args:
        aperture_px: Radius of the disc of a point one unit of disparity away from the focal plane, in pixels.
        focus: Disparity of the focal plane, in [0, 1].
        depth_of_field: Disparities nearer to the focal plane than this stay sharp.
        highlight_gain: How much brighter than white a fully clipped pixel is taken to be, at least 1.
        aperture: Shape of the opening.
    """

    aperture_px: float
    focus: float
    depth_of_field: float = 0.04
    highlight_gain: float = 4.0
    aperture: Aperture = Aperture()

    def __post_init__(self) -> None:
        if self.aperture_px < 0 or self.highlight_gain < 1 or self.depth_of_field < 0:
            raise ValueError(f"a lens needs aperture_px >= 0, depth_of_field >= 0 and highlight_gain >= 1, got {self}")


def circle_of_confusion(disparity: Array, lens: Lens) -> Array:
    """Signed radius of confusion in pixels: positive behind the focal plane, negative in front of it."""
    defocus = lens.focus - disparity
    beyond = np.maximum(np.abs(defocus) - lens.depth_of_field, 0.0)
    return (np.sign(defocus) * beyond * lens.aperture_px).astype(np.float32)


def aperture_kernel(radius_px: float, aperture: Aperture, *, position: tuple[float, float] = (0.0, 0.0)) -> Array:
    """The point spread of an opening: its anti-aliased image, summing to 1, with odd sides.

    A polygon's corners lie on the circle. Away from the picture's centre the kernel is what the barrel leaves of it; it
    sums to 1 there too, because photos are corrected for the darkening.

    Args:
        radius_px: Radius of the circle.
        position: Of the point in the picture, (x, y) from the centre, corners at distance 1.
    """
    reach = max(int(np.ceil(radius_px)), 0)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    inside = _circle(x, y, radius_px)
    if aperture.blades:
        inside = _polygon(x, y, radius_px, aperture)
    if aperture.cat_eye and position != (0.0, 0.0):
        shift = aperture.cat_eye * radius_px
        inside = inside * _circle(x + shift * position[0], y + shift * position[1], radius_px)
    return (inside / inside.sum()).astype(np.float32)


def _circle(x: Array, y: Array, radius_px: float) -> Array:
    """Cover each pixel by the share of it that lies in the circle, to about a tenth."""
    return np.clip(radius_px + 0.5 - np.hypot(x, y), 0.0, 1.0)


def _polygon(x: Array, y: Array, radius_px: float, aperture: Aperture) -> Array:
    """Cover each pixel by the share of it that lies within all sides of the regular polygon."""
    normals = np.deg2rad(aperture.rotation_deg) + 2 * np.pi * np.arange(aperture.blades) / aperture.blades
    side_distance = radius_px * np.cos(np.pi / aperture.blades)
    outermost = np.max([x * np.cos(angle) + y * np.sin(angle) for angle in normals], axis=0)
    return np.clip(side_distance + 0.5 - outermost, 0.0, 1.0)


def render_shallow_depth_of_field(
    photo: Array, matte: Array, disparity: Array, lens: Lens, *, layers: int = 8, lights: Array | None = None
) -> Array:
    """Photograph the scene again with a wide aperture, focused on the subject.

    The subject (the matte) lies in the focal plane. What it hides is filled in from around it before it is blurred,
    so that the sharp subject never bleeds into its background; what is nearer than the focal plane bleeds over the
    subject, and what that hides is filled in as well. Where the matte is undecided over a wider area the photo is left
    as it is but for the difference that blurring makes to the background around.

    Args:
        photo: All in focus, sRGB, [H, W, 3] in [0, 1].
        matte: Subject opacity, [H, W] in [0, 1].
        disparity: Of the scene; under the subject it is ignored, [H, W] in [0, 1].
        layers: Number of depth layers on each side of the focal plane.
        lights: Linear light beyond what the photo shows, where it is known, [H, W, 3]; clipped pixels get an estimate.
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
    light = _scene_light(sharp, lens, lights)
    reach = max(1, round(max(matte.shape) * RIM))
    hidden = cv2.dilate(matte, _square(reach)) > BARELY
    plate = fill_hidden(np.dstack([light, disparity]), hidden)
    radius = circle_of_confusion(plate[..., 3], lens)
    behind = _render_behind(plate, radius, lens, layers)
    scene = _lay_subject_over(behind, sharp, matte, plate=plate[..., :3])
    # What is in focus stays as the photo shows it, beside the subject too; its restored light would be too white.
    in_focus = np.clip(1.0 - np.abs(radius), 0.0, 1.0)[..., None]
    scene = (in_focus * sharp + (1.0 - in_focus) * scene).astype(np.float32)
    nearer = np.maximum(-radius, 0.0) * (1.0 - matte)
    scene = _blur_foreground_over(scene, light=plate[..., :3], radius=nearer, lens=lens, layers=layers)
    return linear_to_srgb(np.clip(scene, 0.0, 1.0))


def _scene_light(sharp: Array, lens: Lens, lights: Array | None) -> Array:
    """The light before the sensor clipped it: known `lights` where there are any, an estimate elsewhere."""
    light = restore_highlights(sharp, gain=lens.highlight_gain)
    return light if lights is None else np.maximum(light, sharp + lights)


def _lay_subject_over(behind: Array, light: Array, matte: Array, *, plate: Array) -> Array:
    """Lay the sharp subject, with opacity `matte`, over its blurred background; all linear [H, W, 3].

    At a narrow rim the subject's light is taken from its surest pixels near by. Where the matte is undecided over a
    wider area no guess of it is good, but a picture I = a F + (1 - a) B gives a F once the plate B is known; both
    backgrounds are clipped there as the picture is. So undecided places stay as they are as far as their background
    is smooth.
    """
    opacity = matte[..., None]
    subject = fill_hidden(light, matte < SURE) if (matte >= SURE).any() else light
    over = opacity * subject + (1.0 - opacity) * behind
    exchanged = light + (1.0 - opacity) * (np.minimum(behind, 1.0) - np.minimum(plate, 1.0))
    wide = _undecided(matte)[..., None]
    return wide * exchanged + (1.0 - wide) * over


def _undecided(matte: Array) -> Array:
    """Where a matte is neither subject nor background over more than a rim's width: [H, W] in [0, 1]."""
    doubtful = ((matte > BARELY) & (matte < 1.0 - BARELY)).astype(np.float32)
    wide = cv2.morphologyEx(doubtful, cv2.MORPH_OPEN, _square(max(1, round(2 * max(matte.shape) * RIM))))
    return cv2.blur(wide, (3, 3)) * (matte > 0)


def _square(reach: int) -> npt.NDArray[np.uint8]:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def render_without_occlusion(
    photo: Array, matte: Array, disparity: Array, lens: Lens, *, layers: int = 8, lights: Array | None = None
) -> Array:
    """Blur every pixel by its own disc, whatever lies in front or behind: what occlusion is measured against.

    The subject bleeds into its background as a halo. Arguments, result and units as `render_shallow_depth_of_field`.
    """
    light = _scene_light(srgb_to_linear(photo), lens, lights)
    radius = np.abs(circle_of_confusion(disparity, lens)) * (1.0 - matte)
    scene = np.zeros_like(light)
    for level, share in _split_by_radius(radius, layers):
        spread, _ = _blur_layer(light, np.ones_like(share), level, lens.aperture)
        scene += share[..., None] * spread
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


def _render_behind(plate: Array, radius: Array, lens: Lens, layers: int) -> Array:
    """Blur what lies at or behind the focal plane, farthest layer first, nearer layers over farther ones."""
    in_front = radius < -FOREGROUND_RADIUS_PX
    if in_front.any():
        plate = fill_hidden(plate, in_front)
        radius = circle_of_confusion(plate[..., 3], lens)
    light, radius = plate[..., :3], np.maximum(radius, 0.0)
    total, opacity = np.zeros_like(light), np.zeros(radius.shape, np.float32)
    for level, share in _split_by_radius(radius, layers):
        spread, cover = _blur_layer(light, share, level, lens.aperture)
        total, opacity = _lay_over(total, opacity, spread, cover)
    return (total / np.maximum(opacity, 1e-4)[..., None]).astype(np.float32)


def _blur_foreground_over(scene: Array, *, light: Array, radius: Array, lens: Lens, layers: int) -> Array:
    """Blur what lies in front of the focal plane and lay it over the scene, nearest layer last.

    One surface lies in several layers where its depth changes; their covers add up there, as its parts do. So do the
    overlapping rims of two surfaces, which come out a little too opaque.
    """
    # What was filled in behind must lie in layers that are blurred, or part of it would show nowhere.
    radius = np.where(radius > FOREGROUND_RADIUS_PX, np.maximum(radius, float(radius.max()) / layers), radius)
    total, opacity = np.zeros_like(light), np.zeros(radius.shape, np.float32)
    covered = np.zeros_like(opacity)
    for level, share in reversed(_split_by_radius(radius, layers)):
        if level > 0:
            spread, cover = _blur_layer(light, share, level, lens.aperture)
            total, opacity = _lay_over(total, opacity, spread, cover)
            covered += cover
    covered = np.minimum(covered, 1.0)[..., None]
    return (covered * total / np.maximum(opacity, 1e-4)[..., None] + (1.0 - covered) * scene).astype(np.float32)


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


def _blur_layer(light: Array, share: Array, radius_px: float, aperture: Aperture) -> tuple[Array, Array]:
    """Spread one layer's light over the aperture's shape: its premultiplied light and its opacity."""
    layer = np.dstack([light * share[..., None], share])
    if radius_px >= 0.5:
        layer = _spread(layer, radius_px, aperture)
    return layer[..., :3], layer[..., 3]


def _lay_over(total: Array, opacity: Array, spread: Array, cover: Array) -> tuple[Array, Array]:
    """Put a layer of premultiplied light and its opacity over others."""
    return spread + (1.0 - cover[..., None]) * total, cover + (1.0 - cover) * opacity


def _spread(layer: Array, radius_px: float, aperture: Aperture) -> Array:
    """Convolve with the aperture's shape, which changes over the picture where the barrel cuts it off."""
    if not aperture.cat_eye:
        return _convolve(layer, aperture_kernel(radius_px, aperture))
    height, width = layer.shape[:2]
    total = np.zeros_like(layer)
    for row, column, weight in _grid_weights(height, width):
        # Light is weighted where it comes from, so that none is lost between the places of the grid.
        kernel = aperture_kernel(radius_px, aperture, position=(column, row))
        total += _convolve(layer * weight[..., None], kernel)
    return total


def _convolve(layer: Array, kernel: Array) -> Array:
    """Spread every point as the kernel shows it; filter2D alone would spread it upside down."""
    return cv2.filter2D(layer, -1, np.ascontiguousarray(kernel[::-1, ::-1]), borderType=cv2.BORDER_REFLECT)


def _grid_weights(height: int, width: int, *, places: int = 5) -> list[tuple[float, float, Array]]:
    """Places in the picture, (row, column) from the centre with corners at distance 1, and their bilinear weights."""
    diagonal = float(np.hypot(height, width))
    nodes = np.linspace(-1.0, 1.0, places)
    step = nodes[1] - nodes[0]
    rows, columns = np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width)
    down = [np.clip(1.0 - np.abs(rows - node) / step, 0.0, 1.0) for node in nodes]
    across = [np.clip(1.0 - np.abs(columns - node) / step, 0.0, 1.0) for node in nodes]
    return [
        (nodes[i] * height / diagonal, nodes[j] * width / diagonal, np.outer(down[i], across[j]).astype(np.float32))
        for i in range(places)
        for j in range(places)
    ]
