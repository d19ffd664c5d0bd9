"""One scene or one method close up: its pictures with the scores they got."""

from dataclasses import dataclass

import numpy as np

from study.records import StudyRecord
from study.statistics import Comparisons, Ratings

PictureNames = dict[tuple[str, str | None], str]  # (scene, method or None for the ground truth) -> sha256


@dataclass(frozen=True)
class MethodPicture:
    """One stimulus with its answers.

    Attributes:
        scene, method: Its names; `method` is None for the ground truth.
        sha256: Name of the stored picture.
        counts: (answer in words, how often), in the order of the scale; empty for the ground truth.
        n_votes: Answers in all.
        mean: Their mean: MOS in a rating study, share of comparisons won (ties halved) in a pairwise one; None without.
        deviation: Standard deviation of ratings; None for fewer than two, and in a pairwise study.
    """

    scene: str
    method: str | None
    sha256: str
    counts: tuple[tuple[str, int], ...] = ()
    n_votes: int = 0
    mean: float | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Drilldown:
    """The pictures of one scene, ground truth first, or of one method over all scenes."""

    scene: str | None
    method: str | None
    pictures: tuple[MethodPicture, ...]


def drill_down(
    study: StudyRecord,
    names: PictureNames,
    *,
    ratings: Ratings | None,
    comparisons: Comparisons | None,
    scene: str | None,
    method: str | None,
) -> Drilldown:
    """Look at a scene (all methods, best first), or at a method (all scenes, best first).

    Raises:
        ValueError: neither a scene nor a method of this study was named, or both.
    """
    if (scene is None) == (method is None):
        raise ValueError("name either a scene or a method")
    if scene is not None and scene not in study.scenes:
        raise ValueError(f"{scene} is no scene of {study.name}")
    if method is not None and method not in study.methods:
        raise ValueError(f"{method} is no method of {study.name}")
    cells = [(scene, name) for name in study.methods] if scene else [(name, str(method)) for name in study.scenes]
    pictures = [
        _rated(study, ratings, cell, names[cell]) if ratings else _compared(comparisons, cell, names[cell])
        for cell in cells
    ]
    pictures.sort(key=lambda picture: (picture.mean is None, -(picture.mean or 0)))
    if scene is not None:
        pictures.insert(0, MethodPicture(scene, None, names[scene, None]))
    return Drilldown(scene, method, tuple(pictures))


def _rated(study: StudyRecord, ratings: Ratings, cell: tuple[str, str], sha256: str) -> MethodPicture:
    scene, method = ratings.scenes.index(cell[0]), ratings.methods.index(cell[1])
    values = ratings.value[(ratings.scene == scene) & (ratings.method == method) & ~ratings.repeat]
    points = study.scale.points if study.scale else ()
    counts = tuple((str(point.value), int(np.count_nonzero(values == point.value))) for point in points)
    return MethodPicture(
        scene=cell[0],
        method=cell[1],
        sha256=sha256,
        counts=counts,
        n_votes=int(values.size),
        mean=float(values.mean()) if values.size else None,
        deviation=float(values.std(ddof=1)) if values.size > 1 else None,
    )


def _compared(comparisons: Comparisons | None, cell: tuple[str, str], sha256: str) -> MethodPicture:
    if comparisons is None:
        raise ValueError("a study has ratings or comparisons")
    scene, method = comparisons.scenes.index(cell[0]), comparisons.methods.index(cell[1])
    here = (comparisons.scene == scene) & ~comparisons.repeat
    left = comparisons.outcome[here & (comparisons.left == method)].astype(int)
    right = -comparisons.outcome[here & (comparisons.right == method)].astype(int)
    outcomes = np.concatenate([left, right])
    counts = tuple((word, int(np.count_nonzero(outcomes == side))) for word, side in _OUTCOMES)
    mean = float((outcomes + 1).mean() / 2) if outcomes.size else None
    return MethodPicture(cell[0], cell[1], sha256, counts=counts, n_votes=int(outcomes.size), mean=mean)


_OUTCOMES = (("preferred", 1), ("tie", 0), ("other preferred", -1))
