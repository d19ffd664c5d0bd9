"""How good a picture truly is, for raters that have no eyes.

A simulated rater is given the two files its browser received and nothing else. `PictureTruth` compares their pixels,
so it needs to know no more than the rater does. `TabledTruth` looks the pixels up in a table that the researcher
wrote per method; only whoever holds the study's store can tell which pixels are whose (`tabled_truth`).
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bggan_core.metrics import ssim
from study.stimuli import content_sha256, pixel_sha256

Truth = Callable[[bytes, bytes], float]  # (ground truth's file, picture's file) -> share of the scale

_LONGER_SIDE_PX = 320  # about what is seen of a picture from across a desk; SSIM takes 15 ms
# On the example study at this size, SSIM runs from .75 (nothing blurred) to 1 (the ground truth itself).
_WORST_SSIM = 0.7


class PictureTruth:
    """Quality by structural similarity to the ground truth: linear from SSIM .7 and below (0) to 1 (1)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, ground_truth: bytes, picture: bytes) -> float:
        """Compare the pixels of two picture files of one size; remembers what it compared."""
        key = (content_sha256(ground_truth), content_sha256(picture))
        if key not in self._known:
            similarity = ssim(_seen(picture), _seen(ground_truth))
            self._known[key] = min(max((similarity - _WORST_SSIM) / (1 - _WORST_SSIM), 0.0), 1.0)
        return self._known[key]


class TabledTruth:
    """Quality by a table from pixels to shares of the scale; pictures outside of it are compared by pixels."""

    def __init__(self, qualities: Mapping[str, float], *, otherwise: Truth) -> None:
        """Take the table.

        Args:
            qualities: Share of the scale by `pixel_sha256`.
            otherwise: Asked about pictures that the table does not have: practice and gold items.
        """
        self._qualities = qualities
        self._otherwise = otherwise
        self._pixels: dict[str, str] = {}

    def __call__(self, ground_truth: bytes, picture: bytes) -> float:
        """Look the picture up."""
        file = content_sha256(picture)
        if file not in self._pixels:
            self._pixels[file] = pixel_sha256(_decoded(picture))
        quality = self._qualities.get(self._pixels[file])
        return self._otherwise(ground_truth, picture) if quality is None else quality


CellQualities = Mapping[tuple[str, str], float]  # (scene, method) -> share of the scale


def tabled_truth(cells: CellQualities, pictures: Iterable[tuple[str, str, bytes]]) -> TabledTruth:
    """Tie a researcher's table to the study's pictures. Needs the store: no rater could do this.

    Args:
        cells: True quality by scene and method.
        pictures: Scene, method and stored file of every stimulus.
    """
    qualities = {pixel_sha256(_decoded(file)): cells[scene, method] for scene, method, file in pictures}
    return TabledTruth(qualities, otherwise=PictureTruth())


def read_qualities(
    path: Path, *, scenes: tuple[str, ...], methods: tuple[str, ...], values: tuple[int, ...]
) -> dict[tuple[str, str], float]:
    """Read true qualities in points of the study's scale.

    Args:
        path: JSON `{"method": points}` or `{"method": {"scene": points}}`, or CSV with the columns scene, method,
            quality; an empty scene speaks for all scenes.
        scenes, methods: The study's.
        values: Answers of the scale, worst first.
    Returns:
        Shares of the scale by (scene, method); points outside of the scale give shares outside of 0..1.
    Raises:
        ValueError: unreadable, a name the study does not have, or a cell without a quality.
    """
    given = _read_json(path) if path.suffix.lower() == ".json" else _read_csv(path)
    unknown = [cell for cell in given if cell[0] not in {"", *scenes} or cell[1] not in methods]
    if unknown:
        raise ValueError(f"{path} names scenes or methods that the study does not have: {unknown}")
    qualities = {}
    for cell in ((scene, method) for scene in scenes for method in methods):
        points = given.get(cell, given.get(("", cell[1])))
        if points is None:
            raise ValueError(f"{path} gives no quality for method {cell[1]} on scene {cell[0]}")
        qualities[cell] = (points - values[0]) / (values[-1] - values[0])
    return qualities


def _read_json(path: Path) -> dict[tuple[str, str], float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            (scene, method): float(points)
            for method, given in content.items()
            for scene, points in (given.items() if isinstance(given, dict) else [("", given)])
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not of the form {{method: points}} or {{method: {{scene: points}}}}") from error


def _read_csv(path: Path) -> dict[tuple[str, str], float]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return {(row["scene"], row["method"]): float(row["quality"]) for row in rows}
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} needs the columns scene, method and quality (a number)") from error


def _decoded(file: bytes) -> Image.Image:
    """Decode a stimulus as the server keeps it."""
    with Image.open(io.BytesIO(file)) as picture:
        return picture.convert("RGB")


def _seen(file: bytes) -> np.ndarray:
    """What is seen of a picture at a glance: float32 [H, W, 3] in [0, 1], area-averaged to 320 px."""
    picture = _decoded(file)
    picture.thumbnail((_LONGER_SIDE_PX, _LONGER_SIDE_PX), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32) / 255
