"""Pairs made by optics: an all-in-focus photo and the same scene through a wide aperture focused on its subject.

Two kinds. *In situ*: a photo whose background is sharp, its own matte and depth. *Cut-out*: a subject laid over another
photo, standing where that photo's ground is. In both the subject's depth, and so the ground it stands on, stays sharp.
Everything a pair contains follows from (seed, index): the n-th pair is the same in every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from bggan_core.data.corpus import CorpusEntry, Scene, load_scene
from bggan_core.data.pairs import Batch, Pair, everything_counts, stack_pairs
from bggan_core.optics import Array, Lens, circle_of_confusion, render_shallow_depth_of_field

PairKind = Literal["in_situ", "cut_out"]

# A subject smaller than this leaves nothing to focus on, a larger one nothing to blur (share of the frame).
SUBJECT_FRACTION = (0.03, 0.6)

# A plate with a large subject of its own would make two candidates for the focus.
PLATE_SUBJECT_FRACTION = 0.15

# About one draw in four is passed over on a corpus of predicted mattes.
MOST_DRAWS = 200


@dataclass(frozen=True)
class PairRecipe:
    """How pairs are drawn.

    Args:
        in_situ_share: Share of in-situ pairs; the rest are cut-outs.
        blur_radius: Range of the radius of confusion of the farthest background, as a share of the longer side.
        portrait_share: Share of batches in portrait orientation.
    """

    in_situ_share: float = 0.6
    blur_radius: tuple[float, float] = (0.008, 0.018)
    portrait_share: float = 0.25


class PairMaker:
    """Makes the pairs of one split of a corpus.

    Args:
        folder: The corpus.
        entries: The split's photos.
    Raises:
        ValueError: no entry has a subject of usable size, or none can serve as a plate for cut-outs.
    """

    def __init__(self, folder: Path, entries: Sequence[CorpusEntry], *, recipe: PairRecipe, seed: int) -> None:
        low, high = SUBJECT_FRACTION
        self.folder, self.recipe, self.seed = folder, recipe, seed
        self.plates = [entry.name for entry in entries if entry.subject_fraction <= PLATE_SUBJECT_FRACTION]
        self.subjects = [entry.name for entry in entries if low <= entry.subject_fraction <= high]
        if not self.subjects or not (self.plates or recipe.in_situ_share == 1):
            raise ValueError(
                f"{folder}: {len(self.subjects)} photos have a subject over {low:.0%} to {high:.0%} of the frame and "
                f"{len(self.plates)} can serve as plates (at most {PLATE_SUBJECT_FRACTION:.0%}); pairs need one of each"
            )

    @property
    def photo_names(self) -> list[str]:
        """Every photo that pairs are made of, sorted."""
        return sorted({*self.subjects, *self.plates})

    def make_batch(self, index: int, *, size: int, height: int, width: int) -> Batch:
        """Make batch `index` of `size` pairs, landscape or portrait as one."""
        rng = np.random.default_rng([self.seed, index])
        if rng.random() < self.recipe.portrait_share:
            height, width = width, height
        return stack_pairs([self.make(index * size + i, height=height, width=width) for i in range(size)])

    def make(self, index: int, *, height: int, width: int) -> Pair:
        """Make pair `index` at a size in pixels.

        Raises:
            ValueError: no photo has a clear subject.
        """
        rng = np.random.default_rng([self.seed, 1, index])
        for _ in range(MOST_DRAWS):  # photos whose matte or depth says nothing clear are passed over
            kind: PairKind = "in_situ" if rng.random() < self.recipe.in_situ_share else "cut_out"
            scene = self._draw_scene(kind, rng, height=height, width=width)
            if scene is not None and _has_clear_subject(scene):
                return self._photograph(_vary_exposure(scene, rng), rng)
        raise ValueError(f"{self.folder}: {MOST_DRAWS} draws gave no clear subject; its mattes or depth are unusable")

    def _draw_scene(self, kind: PairKind, rng: np.random.Generator, *, height: int, width: int) -> Scene | None:
        scene = load_scene(self.folder, str(rng.choice(self.subjects)))
        if rng.random() < 0.5:
            scene = scene.mirror()
        scene = steepen_matte(scene)
        if kind == "in_situ":
            return _random_crop(scene, rng, height=height, width=width)
        plate = load_scene(self.folder, str(rng.choice(self.plates)))
        return _lay_over(scene, _random_crop(plate, rng, height=height, width=width), rng)

    def _photograph(self, scene: Scene, rng: np.random.Generator) -> Pair:
        radius_px = rng.uniform(*self.recipe.blur_radius) * max(scene.matte.shape)
        lens = focus_on_subject(scene, radius_px=radius_px)
        return Pair(
            scene.photo,
            render_focused(scene, lens),
            everything_counts(scene.photo),
            matte=scene.matte,
            radius_px=circle_of_confusion(scene.disparity, lens),
        )


def focus_on_subject(scene: Scene, *, radius_px: float) -> Lens:
    """Focus on the subject's depth, with `radius_px` for the farthest background.

    Relative depth has no scale: a background that is hardly farther than the subject keeps a smaller radius.
    """
    near, middle, far = np.percentile(scene.disparity[scene.matte > 0.5], [90, 50, 10])
    farthest = np.percentile(scene.disparity, 5)
    depth_of_field = float(np.clip((near - far) / 4, 0.03, 0.1))
    reach = max(float(middle - farthest) - depth_of_field, 0.3)
    return Lens(aperture_px=radius_px / reach, focus=float(middle), depth_of_field=depth_of_field)


def render_focused(scene: Scene, lens: Lens) -> Array:
    """Photograph a scene through a lens: sRGB [H, W, 3] in [0, 1]."""
    return render_shallow_depth_of_field(scene.photo, scene.matte, scene.disparity, lens, layers=6)


def steepen_matte(scene: Scene) -> Scene:
    """Decide a predicted matte's doubtful greys: 0.2 and below is background, 0.6 and above subject."""
    return replace(scene, matte=np.clip((scene.matte - 0.2) / 0.4, 0.0, 1.0))


def _has_clear_subject(scene: Scene) -> bool:
    """A subject of usable size, with a decided matte and one depth rather than a slope through the scene."""
    fraction = float(scene.matte.mean())
    if not SUBJECT_FRACTION[0] / 2 <= fraction <= SUBJECT_FRACTION[1]:
        return False
    undecided = float((scene.matte * (1.0 - scene.matte)).mean()) / fraction
    far, near = np.percentile(scene.disparity[scene.matte > 0.5], [10, 90])
    return undecided < 0.08 and near - far < 0.4


def _random_crop(scene: Scene, rng: np.random.Generator, *, height: int, width: int) -> Scene:
    """Cut a random window of the wanted shape that keeps most of the photo, and scale it."""
    full_height, full_width = scene.matte.shape
    largest = min(full_height / height, full_width / width)
    scale = largest * rng.uniform(0.75, 1.0)
    rows, columns = int(height * scale), int(width * scale)
    top, left = rng.integers(full_height - rows + 1), rng.integers(full_width - columns + 1)
    return scene.crop(np.s_[top : top + rows, left : left + columns]).resize(height, width)


def _lay_over(subject: Scene, plate: Scene, rng: np.random.Generator) -> Scene | None:
    """Lay a cut-out over a plate, standing on the plate's ground; None where the matte is empty."""
    rows, columns = np.where(subject.matte.max(axis=1) > 0.1)[0], np.where(subject.matte.max(axis=0) > 0.1)[0]
    if len(rows) < 8 or len(columns) < 8:
        return None
    cut = subject.crop(np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    touches_bottom = rows[-1] >= subject.matte.shape[0] - 3
    height, width = plate.matte.shape
    tallest = min(height * 0.95 / cut.matte.shape[0], width * 0.9 / cut.matte.shape[1])
    scale = tallest * rng.uniform(0.5, 1.0)
    cut = cut.resize(max(8, int(cut.matte.shape[0] * scale)), max(8, int(cut.matte.shape[1] * scale)))
    bottom = height if touches_bottom else int(rng.integers(cut.matte.shape[0], height + 1))
    left = int(rng.integers(width - cut.matte.shape[1] + 1))
    window = np.s_[bottom - cut.matte.shape[0] : bottom, left : left + cut.matte.shape[1]]
    return _composite(cut, plate, window)


def _composite(cut: Scene, plate: Scene, window: tuple[slice, slice]) -> Scene:
    """Put the cut-out into the plate's window, at the depth of the ground it stands on."""
    photo, matte, disparity = plate.photo.copy(), np.zeros_like(plate.matte), plate.disparity.copy()
    opacity = cut.matte[..., None]
    photo[window] = opacity * _agree_in_colour(cut, plate) + (1.0 - opacity) * photo[window]
    matte[window] = cut.matte
    foot = plate.disparity[max(window[0].stop - 4, 0) : window[0].stop, window[1]]
    ground = max(float(np.median(foot)), float(np.percentile(plate.disparity, 60)))
    disparity[matte > 0.5] = ground
    return Scene(photo, matte, disparity)


def _agree_in_colour(cut: Scene, plate: Scene) -> Array:
    """Move the cut-out's exposure and white balance a third of the way to the plate's."""
    weights = cut.matte[..., None]
    own = (cut.photo * weights).sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
    gain = (plate.photo.mean(axis=(0, 1)) / np.maximum(own, 0.05)) ** (1 / 3)
    return np.clip(cut.photo * np.clip(gain, 0.75, 1.35), 0.0, 1.0).astype(np.float32)


def _vary_exposure(scene: Scene, rng: np.random.Generator) -> Scene:
    """Vary exposure, white balance and contrast, before the lens sees the scene."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, size=3)
    photo = np.clip(scene.photo * gain, 0.0, 1.0) ** rng.uniform(0.85, 1.2)
    if rng.random() < 0.3:  # a phone's sharper or softer rendition
        photo = photo + rng.uniform(-0.4, 0.6) * (photo - cv2.GaussianBlur(photo, (0, 0), 1.0))
    return replace(scene, photo=np.clip(photo, 0.0, 1.0).astype(np.float32))
