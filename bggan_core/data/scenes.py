"""Scenes to be photographed: put together from several photos, lit, and judged for fitness.

Functions that place or light take a seeded Generator and return new scenes; nothing is changed in place. Sizes that
are shares are shares of the longer side.
"""

from dataclasses import replace

import cv2
import numpy as np

from bggan_core.data.corpus import Scene
from bggan_core.optics import Array, fill_hidden, linear_to_srgb, srgb_to_linear

# A subject smaller than this leaves nothing to focus on, a larger one nothing to blur (share of the frame).
SUBJECT_FRACTION = (0.03, 0.6)

# Fine to coarse detail of the far background. Below, a lens has blurred it already: sorted by this figure, the
# corpus' photos with visibly soft backgrounds end about here.
SHARP_BACKGROUND = 0.42

# Difference in disparity beyond which something is plainly not in the focal plane: a little more than the widest depth
# of field that a scene is photographed with.
_OUT_OF_FOCUS = 0.12

# How far a focal plane reaches back, in disparity, to take a subject that lies almost in it, and the share of the
# subject that may lie farther back and is brought into it.
_REACH_BACK = 0.2
_FARTHEST_SHARE = 0.2

# What a depth network smears an object's depth over, as a share.
_DEPTH_SMEAR = 1 / 48


def steepen_matte(scene: Scene) -> Scene:
    """Decide a predicted matte's doubtful greys: 0.2 and below is background, 0.6 and above subject."""
    return replace(scene, matte=np.clip((scene.matte - 0.2) / 0.4, 0.0, 1.0))


def snap_depth(scene: Scene) -> Scene:
    """Take the subject's smeared depth off the background around it, which would stay sharp with the subject.

    Only what lies farther off is moved: the ground around the subject's foot is as near as the foot.
    """
    reach = max(1, round(max(scene.matte.shape) * _DEPTH_SMEAR))
    smeared = cv2.dilate(scene.matte, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0.05
    around = fill_hidden(scene.disparity[..., None], smeared)[..., 0]
    snapped = np.where(scene.matte > 0.5, scene.disparity, np.minimum(scene.disparity, around))
    return replace(scene, disparity=snapped.astype(np.float32))


def has_clear_subject(scene: Scene) -> bool:
    """A subject of usable size, with a decided matte and one depth rather than a slope through the scene."""
    fraction = float(scene.matte.mean())
    if not SUBJECT_FRACTION[0] / 2 <= fraction <= SUBJECT_FRACTION[1]:
        return False
    undecided = float((scene.matte * (1.0 - scene.matte)).mean()) / fraction
    far, near = np.percentile(scene.disparity[scene.matte > 0.5], [10, 90])
    return undecided < 0.08 and near - far < 0.4


def has_plain_focus(scene: Scene, *, nearer_share: float, off_plane_share: float) -> bool:
    """Whether a photographer's choice of focus can be told from the photo; never without a subject.

    Args:
        nearer_share: Most of the frame that may lie plainly out of focus in front of the subject, opaque or not.
        off_plane_share: Most of the subject that may lie plainly before or behind its own middle.
    """
    subject = scene.matte > 0.5
    if not subject.any():
        return False
    focus = float(np.median(scene.disparity[subject]))
    nearer = (scene.disparity > focus + _OUT_OF_FOCUS) & ~subject
    off_plane = np.abs(scene.disparity[subject] - focus) > _OUT_OF_FOCUS
    return bool(nearer.mean() <= nearer_share and off_plane.mean() <= off_plane_share)


def has_sharp_background(scene: Scene) -> bool:
    """Whether the far half of what is not the subject shows detail as fine as a small aperture's."""
    grey = _at_long_side(scene.photo.mean(axis=2), 384)
    matte, disparity = (_at_long_side(plane, 384) for plane in (scene.matte, scene.disparity))
    outside = cv2.dilate(matte, np.ones((9, 9), np.uint8)) < 0.1
    if not outside.any():
        return False
    far = outside & (disparity <= np.median(disparity[outside]))
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.7, 1.4, 2.8))
    detail, structure = ((fine - middle) ** 2)[far].mean(), ((middle - coarse) ** 2)[far].mean()
    return bool(detail > SHARP_BACKGROUND * structure)


def _at_long_side(plane: Array, side: int) -> Array:
    scale = side / max(plane.shape)
    size = (max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale)))
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def take_near_plane(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """Make all that is nearest the subject, in one focal plane; None where nothing stands out in depth.

    For the many scenes that a lens is focused on without one object being the subject: a bush, a fence, a table. The
    matte says what is in focus; it has no outline of its own, so a lens must be given the depth alone.
    """
    found = _find_near_plane(scene, rng)
    return None if found is None else _flatten(scene, *found, rng)


def take_near_plane_with_subject(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """Take a near plane that does not cut through the photo's own subject.

    It reaches back to a subject that lies almost in it, and the ground there with it; None where the subject lies
    farther back, because a lens would be focused on that. A subject too small to be focused on has no say.
    """
    found = _find_near_plane(scene, rng)
    if found is None:
        return None
    depth, focus = found
    subject = scene.matte > 0.5
    if subject.mean() < SUBJECT_FRACTION[0] / 2:
        return _flatten(scene, depth, focus, rng)
    far_side = float(np.quantile(depth[subject], _FARTHEST_SHARE))
    if far_side < focus - _REACH_BACK:
        return None
    focus = min(focus, far_side)
    flat = _flatten(scene, depth, focus, rng)
    matte, disparity = np.where(subject, 1.0, flat.matte), np.where(subject, focus, flat.disparity)
    return replace(flat, matte=matte.astype(np.float32), disparity=disparity.astype(np.float32))


def _find_near_plane(scene: Scene, rng: np.random.Generator) -> tuple[Array, float] | None:
    """The scene's depth, its edges at the photo's, and the disparity of what is nearest in the middle of the frame."""
    height, width = scene.matte.shape
    middle = scene.disparity[height // 6 : -height // 6, width // 6 : -width // 6]
    focus = float(np.percentile(middle, rng.uniform(80, 96)))
    if focus - float(np.percentile(scene.disparity, 10)) < 0.35:
        return None
    return guided_filter(scene.disparity, scene.photo.mean(axis=2), radius=max(2, width // 48)), focus


def _flatten(scene: Scene, depth: Array, focus: float, rng: np.random.Generator) -> Scene:
    """Bring all that is nearer than a disparity into one plane there, which is then the subject."""
    matte = (depth > focus - rng.uniform(0.05, 0.1)).astype(np.float32)
    return replace(scene, matte=matte, disparity=np.clip(depth, 0.0, focus))


def guided_filter(plane: Array, guide: Array, *, radius: int, epsilon: float = 1e-3) -> Array:
    """Move a plane's edges to the guide's (He et al. 2010, eq. 5-8); both [H, W], radius in pixels."""

    def mean(x: Array) -> Array:
        return cv2.blur(x, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT_101)

    mean_guide, mean_plane = mean(guide), mean(plane)
    slope = (mean(guide * plane) - mean_guide * mean_plane) / (mean(guide * guide) - mean_guide**2 + epsilon)
    return (mean(slope) * guide + mean(mean_plane - slope * mean_guide)).astype(np.float32)


def lay_over(subject: Scene, plate: Scene, rng: np.random.Generator, *, rival_share: float) -> Scene | None:
    """Lay a cut-out over a plate, standing on the plate's ground; None where there is hardly one, or a large rival.

    Args:
        rival_share: Largest share that its rivals, what is seen of the plate's matte, may have of their and its area.
    """
    cut = cut_out(subject, share=rng.uniform(0.5, 1.0), shape=plate.matte.shape)
    if cut is None:
        return None
    touches_bottom = bool(subject.matte[-3:].max() > 0.1)
    height, width = plate.matte.shape
    bottom = height if touches_bottom else int(rng.integers(cut.matte.shape[0], height + 1))
    left = int(rng.integers(width - cut.matte.shape[1] + 1))
    picture, opacity = _paste(cut, plate, top=bottom - cut.matte.shape[0], left=left)
    disparity = max(_ground_at(plate, bottom, left, cut), float(np.percentile(plate.disparity, 60)))
    scene = _cover(plate, picture, opacity, disparity=disparity)
    rivals = float(scene.matte.sum())
    if rivals > rival_share * (rivals + float(opacity.sum())):
        return None
    return replace(scene, matte=opacity)


def add_bystander(other: Scene, plate: Scene, rng: np.random.Generator) -> Scene:
    """Stand a mostly smaller cut-out on the plate where its ground is; the matte marks it like the plate's own."""
    cut = cut_out(other, share=rng.uniform(0.25, 0.6), shape=plate.matte.shape)
    if cut is None:
        return plate
    height, width = plate.matte.shape
    bottom = max(int(height * rng.uniform(0.55, 0.9)), cut.matte.shape[0])
    left = int(rng.integers(width - cut.matte.shape[1] + 1))
    picture, opacity = _paste(cut, plate, top=bottom - cut.matte.shape[0], left=left)
    covered = _cover(plate, picture, opacity, disparity=_ground_at(plate, bottom, left, cut))
    return replace(covered, matte=covered.matte + opacity)


def put_in_front(other: Scene, scene: Scene, rng: np.random.Generator) -> Scene:
    """Let something reach into the picture from its rim, nearer than the subject, which it may partly hide.

    Where no disparity is left in front of the subject the scene comes back as it is.
    """
    focus = float(np.median(scene.disparity[scene.matte > 0.5]))
    cut = cut_out(other, share=rng.uniform(0.5, 1.0), shape=scene.matte.shape)
    if cut is None or focus > 0.8:
        return scene
    (height, width), (own_height, own_width) = scene.matte.shape, cut.matte.shape
    outside = rng.uniform(0.5, 0.8)  # share of it beyond the rim
    left = int(-outside * own_width if rng.random() < 0.5 else width - (1.0 - outside) * own_width)
    top = int(rng.uniform(0.3 * height, height - (1.0 - outside) * own_height))
    picture, opacity = _paste(cut, scene, top=top, left=left)
    return _cover(scene, picture, opacity, disparity=min(1.0, focus + rng.uniform(0.2, 0.5)))


def cut_out(scene: Scene, *, share: float, shape: tuple[int, int]) -> Scene | None:
    """The smallest window around the subject, scaled to a share of what fits in a frame; None without a subject."""
    rows, columns = np.where(scene.matte.max(axis=1) > 0.1)[0], np.where(scene.matte.max(axis=0) > 0.1)[0]
    if len(rows) < 8 or len(columns) < 8:
        return None
    cut = scene.crop(np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = share * min(shape[0] * 0.95 / cut.matte.shape[0], shape[1] * 0.9 / cut.matte.shape[1])
    return cut.resize(max(8, int(cut.matte.shape[0] * scale)), max(8, int(cut.matte.shape[1] * scale)))


def _paste(cut: Scene, plate: Scene, *, top: int, left: int) -> tuple[Array, Array]:
    """Bring a cut-out, its colours agreeing with the plate's, into a frame of the plate's size: picture and opacity."""
    height, width = plate.matte.shape
    move = np.array([[1, 0, left], [0, 1, top]], np.float32)
    picture = cv2.warpAffine(agree_in_colour(cut, plate), move, (width, height), flags=cv2.INTER_NEAREST)
    return picture, cv2.warpAffine(cut.matte, move, (width, height), flags=cv2.INTER_NEAREST)


def _cover(scene: Scene, picture: Array, opacity: Array, *, disparity: float) -> Scene:
    """Lay a picture over the scene at one disparity; what it hides of the subject is no subject any more."""
    shown = opacity[..., None] * picture + (1.0 - opacity[..., None]) * scene.photo
    depth = np.where(opacity > 0.5, np.float32(disparity), scene.disparity)
    return Scene(shown.astype(np.float32), scene.matte * (1.0 - opacity), depth)


def _ground_at(plate: Scene, bottom: int, left: int, cut: Scene) -> float:
    """The plate's disparity where a cut-out has its foot."""
    foot = plate.disparity[max(bottom - 4, 0) : bottom, left : left + cut.matte.shape[1]]
    return float(np.median(foot))


def agree_in_colour(cut: Scene, plate: Scene) -> Array:
    """Move the cut-out's exposure and white balance a third of the way to the plate's: [H, W, 3]."""
    weights = cut.matte[..., None]
    own = (cut.photo * weights).sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
    gain = (plate.photo.mean(axis=(0, 1)) / np.maximum(own, 0.05)) ** (1 / 3)
    return np.clip(cut.photo * np.clip(gain, 0.75, 1.35), 0.0, 1.0).astype(np.float32)


def light_the_night(scene: Scene, rng: np.random.Generator) -> tuple[Scene, Array]:
    """Turn day into night and light lamps in the background.

    Returns:
        The scene as a small aperture shows it, and the lamps' linear light [H, W, 3], far above the sensor's white.
    """
    dark = srgb_to_linear(scene.photo) * rng.uniform(0.06, 0.3) * np.array([0.85, 0.92, 1.1], np.float32)
    lights = _lamps(scene, rng)
    glow = 0.01 * cv2.GaussianBlur(lights, (0, 0), max(scene.matte.shape) / 96)
    return replace(scene, photo=linear_to_srgb(np.clip(dark + lights + glow, 0.0, 1.0))), lights


def _lamps(scene: Scene, rng: np.random.Generator) -> Array:
    """Small warm, white and coloured lamps on what lies well behind the subject, [H, W, 3] in linear light."""
    focus = float(np.median(scene.disparity[scene.matte > 0.5]))
    places = np.argwhere((scene.matte < 0.05) & (scene.disparity < focus - 0.15))
    lights = np.zeros_like(scene.photo)
    colours = np.array([[1, 0.7, 0.35], [1, 0.85, 0.6], [0.9, 0.95, 1], [1, 0.25, 0.15], [0.3, 1, 0.6]], np.float32)
    scale = max(scene.matte.shape) / 384
    y, x = np.mgrid[: scene.matte.shape[0], : scene.matte.shape[1]].astype(np.float32)
    for row, column in rng.permutation(places)[: rng.integers(5, 30)]:
        spot = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * (rng.uniform(0.5, 1.1) * scale) ** 2))
        lights += (spot * rng.uniform(8, 50))[..., None] * rng.choice(colours)
    return lights


def develop(picture: Array, *, noise: float, jpeg_quality: int, rng: np.random.Generator) -> Array:
    """What sensor and camera make of the light behind the lens: noise, then JPEG; sRGB [H, W, 3] in [0, 1].

    Args:
        noise: Standard deviation at mid grey, as a share of white.
        jpeg_quality: 1 to 100, as in libjpeg.
    """
    noisy = picture + noise * np.sqrt(picture + 0.1) * rng.standard_normal(picture.shape)
    encoded = np.rint(np.clip(noisy, 0.0, 1.0) * 255.0).astype(np.uint8)[..., ::-1]
    _, data = cv2.imencode(".jpg", encoded, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.float32)
    return decoded / 255.0
