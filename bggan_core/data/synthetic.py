"""Pairs made by optics: an all-in-focus photo and the same scene through a wide aperture focused on its subject.

Three kinds. *In situ*: a photo whose background is sharp, its own matte and depth. *Near plane*: such a photo focused
on what is nearest, by its depth alone. *Cut-out*: a subject laid over another photo, standing where that photo's ground
is. In all of them the subject's depth, and so the ground it stands on, stays sharp. Photos whose background a lens has
blurred already serve as cut-outs only, never as plates.

Everything a pair contains follows from (seed, index): the n-th pair is the same in every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bggan_core.data.corpus import CorpusEntry, Scene, is_held_out, load_scene, read_manifest
from bggan_core.data.pairs import ALL_ROWS, Batch, Pair, everything_counts, stack_pairs
from bggan_core.data.scenes import (
    SUBJECT_FRACTION,
    add_bystander,
    develop,
    has_clear_subject,
    has_plain_focus,
    has_sharp_background,
    lay_over,
    light_the_night,
    put_in_front,
    snap_depth,
    steepen_matte,
    take_near_plane,
    take_near_plane_with_subject,
)
from bggan_core.data.variety import Variety, random_crop, vary_light, vary_tilt
from bggan_core.optics import Array, Lens, circle_of_confusion, render_shallow_depth_of_field, render_without_occlusion

PairKind = Literal["in_situ", "near_plane", "cut_out"]

# A plate with a large subject of its own would make two candidates for the focus.
PLATE_SUBJECT_FRACTION = 0.15

# On a corpus of predicted mattes four draws in ten are passed over, and seven or eight where the focus must be plain.
MOST_DRAWS = 200


@dataclass(frozen=True)
class PairRecipe:
    """How pairs are drawn.

    Args:
        in_situ_share, near_plane_share: Shares of these kinds; the rest are cut-outs.
        blur_radius: Range of the radius of confusion of the farthest background, as a share of the longer side.
        blur_side_px: Shortest side that `blur_radius` is taken of: smaller pictures get discs of as many pixels as one
            this long, for a network that is meant for such; 0 for none.
        portrait_share: Share of batches in portrait orientation.
        bystander_share: Share of cut-outs with a second one in the background.
        nearer_share: Most of the frame that may lie plainly out of focus in front of the subject, but for what
            `foreground_share` puts there; scenes with more are passed over. Near planes have nothing in front.
        off_plane_share: Most of the subject that may lie plainly before or behind its own middle; likewise.
        rival_share: Largest share that a cut-out's rivals, what is seen of the plate's own subject and of the second
            cut-out, may have of their and its area, before `foreground_share` puts anything in front; likewise.
        near_plane_takes_subject: Near planes take the photo's own subject whole, or are passed over.
        foreground_share: Share of pairs with something out of focus in front of the subject.
        night_share: Share of pairs by night, with lamps in the background.
        camera_share: Share of pairs with a sensor's noise and JPEG's losses in both pictures.
        variety: How far scenes may be from the photos they are made of, in training: validation and scores drop it.
        occlusion: "handled", or "ignored" for the ablation that shows what it is good for.
    """

    in_situ_share: float = 0.5
    near_plane_share: float = 0.2
    blur_radius: tuple[float, float] = (0.007, 0.018)
    blur_side_px: int = 0
    portrait_share: float = 0.25
    bystander_share: float = 0.2
    nearer_share: float = 1.0
    off_plane_share: float = 1.0
    rival_share: float = 1.0
    near_plane_takes_subject: bool = False
    foreground_share: float = 0.06
    night_share: float = 0.06
    camera_share: float = 0.25
    variety: Variety = field(default_factory=Variety)
    occlusion: Literal["handled", "ignored"] = "handled"

    def __post_init__(self) -> None:
        if self.blur_side_px < 0:
            raise ValueError(f"blur_side_px must be at least 0, got {self.blur_side_px}")
        for name in ("nearer_share", "off_plane_share", "rival_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be at least 0 and at most 1, got {getattr(self, name)}")
        if not 0 <= self.blur_radius[0] <= self.blur_radius[1]:
            raise ValueError(f"blur_radius must be two radii, the smaller first, got {self.blur_radius}")
        if min(self.in_situ_share, self.near_plane_share) < 0 or self.in_situ_share + self.near_plane_share > 1 + 1e-9:
            raise ValueError(
                f"in_situ_share and near_plane_share must be at least 0 and at most 1 together, got {self}"
            )

    @property
    def without_variety(self) -> "PairRecipe":
        """The same by a plain variety, which networks are scored by."""
        return replace(self, variety=Variety())


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
        self._sharp: dict[str, bool] = {}
        self.plates = [entry.name for entry in entries if entry.subject_fraction <= PLATE_SUBJECT_FRACTION]
        self.subjects = [entry.name for entry in entries if low <= entry.subject_fraction <= high]
        if not self.subjects or not (self.plates or recipe.in_situ_share + recipe.near_plane_share >= 1):
            raise ValueError(
                f"{folder}: {len(self.subjects)} photos have a subject over {low:.0%} to {high:.0%} of the frame and "
                f"{len(self.plates)} can serve as plates (at most {PLATE_SUBJECT_FRACTION:.0%}); pairs need one of each"
            )

    @property
    def photo_names(self) -> list[str]:
        """Every photo that pairs are made of, sorted."""
        return sorted({*self.subjects, *self.plates})

    def make_batch(self, index: int, *, size: int, height: int, width: int, rows: slice = ALL_ROWS) -> Batch:
        """Make batch `index` of `size` pairs, landscape or portrait as one, or only some of its rows."""
        rng = np.random.default_rng([self.seed, index])
        if rng.random() < self.recipe.portrait_share:
            height, width = width, height
        return stack_pairs([self.make(index * size + i, height=height, width=width) for i in range(size)[rows]])

    def make(self, index: int, *, height: int, width: int) -> Pair:
        """Make pair `index` at a size in pixels.

        Raises:
            ValueError: no photo has a clear subject, a sharp background where one is needed, or as plain a focus as the
                recipe wants.
        """
        rng = np.random.default_rng([self.seed, 1, index])
        for _ in range(MOST_DRAWS):  # photos whose matte or depth says nothing clear are passed over
            kind = self._draw_kind(rng)
            scene = self._draw_scene(kind, rng, height=height, width=width)
            if scene is not None and has_clear_subject(scene):
                lit = vary_light(scene, rng, self.recipe.variety)
                return self._photograph(lit, rng, has_outline=kind != "near_plane")
        raise ValueError(
            f"{self.folder}: {MOST_DRAWS} draws gave no clear subject before a sharp background, in plain focus; its "
            "mattes, depth or backgrounds are unusable, or nearer_share, off_plane_share or rival_share is too small"
        )

    def _draw_kind(self, rng: np.random.Generator) -> PairKind:
        place = rng.random()
        if place < self.recipe.in_situ_share:
            return "in_situ"
        return "near_plane" if place < self.recipe.in_situ_share + self.recipe.near_plane_share else "cut_out"

    def _draw_scene(self, kind: PairKind, rng: np.random.Generator, *, height: int, width: int) -> Scene | None:
        if kind == "cut_out":
            scene = self._draw_cut_out(rng, height=height, width=width)
        else:
            scene = self._draw_whole_photo(kind, rng, height=height, width=width)
        if scene is None or not self._has_plain_focus(scene):
            return None
        if rng.random() < self.recipe.foreground_share:
            scene = put_in_front(self._load(self.subjects, rng), scene, rng)
        return scene

    def _draw_whole_photo(self, kind: PairKind, rng: np.random.Generator, *, height: int, width: int) -> Scene | None:
        scene = self._draw_sharp(self.subjects if kind == "in_situ" else self.photo_names, rng)
        if scene is None:
            return None
        variety = self.recipe.variety
        if kind == "in_situ" and variety.has_close_windows:  # depth is smeared by a share of the photo, not of them
            scene = snap_depth(scene)
        cropped = random_crop(vary_tilt(scene, rng, variety), rng, variety, height=height, width=width)
        if kind == "in_situ":
            return snap_depth(cropped)
        take = take_near_plane_with_subject if self.recipe.near_plane_takes_subject else take_near_plane
        return take(cropped, rng)

    def _draw_cut_out(self, rng: np.random.Generator, *, height: int, width: int) -> Scene | None:
        plate = self._draw_sharp(self.plates, rng)
        if plate is None:
            return None
        # In a close window the plate's own subject could be a second candidate for the focus.
        variety = self.recipe.variety.in_wide_windows
        plate = random_crop(vary_tilt(plate, rng, variety), rng, variety, height=height, width=width)
        if rng.random() < self.recipe.bystander_share:
            plate = add_bystander(self._load(self.subjects, rng), plate, rng)
        return lay_over(self._load(self.subjects, rng), plate, rng, rival_share=self.recipe.rival_share)

    def _draw_sharp(self, names: Sequence[str], rng: np.random.Generator) -> Scene | None:
        """Draw a photo; None where a lens has blurred its background already."""
        name = str(rng.choice(names))
        scene = self._load([name], rng)
        return scene if self._has_sharp_background(name, scene) else None

    def _has_plain_focus(self, scene: Scene) -> bool:
        recipe = self.recipe
        return has_plain_focus(scene, nearer_share=recipe.nearer_share, off_plane_share=recipe.off_plane_share)

    def _load(self, names: Sequence[str], rng: np.random.Generator) -> Scene:
        scene = load_scene(self.folder, str(rng.choice(names)))
        return steepen_matte(scene.mirror() if rng.random() < 0.5 else scene)

    def _has_sharp_background(self, name: str, scene: Scene) -> bool:
        if name not in self._sharp:
            self._sharp[name] = has_sharp_background(scene)
        return self._sharp[name]

    def _photograph(self, scene: Scene, rng: np.random.Generator, *, has_outline: bool) -> Pair:
        radius_px = rng.uniform(*self.recipe.blur_radius) * max(*scene.matte.shape, self.recipe.blur_side_px)
        lens = focus_on_subject(scene, radius_px=radius_px)
        lights = None
        if rng.random() < self.recipe.night_share:
            scene, lights = light_the_night(scene, rng)
        seen = scene if has_outline else replace(scene, matte=np.zeros_like(scene.matte))
        photo, bokeh = scene.photo, self._render(seen, lens, lights)
        if rng.random() < self.recipe.camera_share:
            noise, quality = rng.uniform(0.0, 0.015), int(rng.integers(75, 96))
            photo, bokeh = (develop(each, noise=noise, jpeg_quality=quality, rng=rng) for each in (photo, bokeh))
        radius = circle_of_confusion(scene.disparity, lens) * (1.0 - seen.matte)
        return Pair(photo, bokeh, everything_counts(photo), matte=scene.matte, radius_px=radius)

    def _render(self, scene: Scene, lens: Lens, lights: Array | None) -> Array:
        if self.recipe.occlusion == "ignored":
            return render_without_occlusion(scene.photo, scene.matte, scene.disparity, lens, layers=6, lights=lights)
        return render_focused(scene, lens, lights=lights)


def open_splits(folder: Path, *, recipe: PairRecipe, seed: int) -> tuple[PairMaker, PairMaker]:
    """Open the sources of a corpus' training pairs and of its validation pairs, which have no variety."""
    entries = read_manifest(folder)
    train, validation = (
        [entry for entry in entries if is_held_out(entry.name) == held_out] for held_out in (False, True)
    )
    return (
        PairMaker(folder, train, recipe=recipe, seed=seed),
        PairMaker(folder, validation, recipe=recipe.without_variety, seed=seed + 1),
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


def render_focused(scene: Scene, lens: Lens, *, lights: Array | None = None) -> Array:
    """Photograph a scene through a lens: sRGB [H, W, 3] in [0, 1]."""
    return render_shallow_depth_of_field(scene.photo, scene.matte, scene.disparity, lens, layers=6, lights=lights)
