"""A folder of photos with subject mattes and depth, the material of synthetic pairs.

Layout: `manifest.csv` with at least `name`, `licence`, `attribution`, `source_repo`, `source_path` and
`subject_fraction`; `photos/NAME.jpg` (sRGB); `mattes/NAME.jpg` (8-bit subject opacity, same size); `depth/NAME.jpg`
(8-bit relative inverse depth, near = bright).
"""

import csv
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bggan_core.optics import Array

# Beside a published network: the photos it was trained on.
PHOTO_LIST_NAME = "training-photos.csv"


@dataclass(frozen=True)
class CorpusEntry:
    """One row of the manifest. `subject_fraction` is the matte's mean, in [0, 1]."""

    name: str
    licence: str
    attribution: str
    source: str
    subject_fraction: float


@dataclass(frozen=True)
class Scene:
    """A photo [H, W, 3] with its subject matte [H, W] and disparity [H, W], all float32 in [0, 1]."""

    photo: Array
    matte: Array
    disparity: Array

    def crop(self, window: tuple[slice, slice]) -> "Scene":
        """Cut out a window of rows and columns."""
        return Scene(self.photo[window], self.matte[window], self.disparity[window])

    def resize(self, height: int, width: int) -> "Scene":
        """Scale to a size in pixels, averaging areas when it shrinks."""
        shrinks = height * width < self.matte.size
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        planes = (self.photo, self.matte, self.disparity)
        return Scene(*(cv2.resize(plane, (width, height), interpolation=interpolation) for plane in planes))

    def mirror(self) -> "Scene":
        """Swap left and right."""
        return Scene(*(np.ascontiguousarray(plane[:, ::-1]) for plane in (self.photo, self.matte, self.disparity)))


def read_manifest(folder: Path) -> list[CorpusEntry]:
    """List a corpus in name order.

    Raises:
        FileNotFoundError: there is no manifest.csv.
        ValueError: a row lacks a value or its subject_fraction is no number; the message names the row.
    """
    path = folder / "manifest.csv"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: a corpus is a folder with manifest.csv, photos/, mattes/ and depth/"
        )
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    entries = []
    for number, row in enumerate(rows, start=1):
        try:
            entries.append(_read_row(row))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, row {number} ({row.get('name')}): every row needs name, licence, attribution, source_repo, "
                f"source_path and a subject_fraction in [0, 1]: {error}"
            ) from error
    return sorted(entries, key=lambda entry: entry.name)


def _read_row(row: dict[str, str]) -> CorpusEntry:
    return CorpusEntry(
        name=row["name"],
        licence=row["licence"],
        attribution=row["attribution"],
        source=f"{row['source_repo']}: {row['source_path']}",
        subject_fraction=float(row["subject_fraction"]),
    )


def series_of(name: str) -> str:
    """Name the series a photo belongs to: names that end in a two-digit number are photos of one thing."""
    return re.sub(r"_\d\d$", "", name)


def is_held_out(name: str, *, share: float = 0.1) -> bool:
    """Say whether a photo belongs to the validation split: fixed by its series' name, so that it never moves."""
    digest = hashlib.sha256(series_of(name).encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def read_photo_list(path: Path) -> set[str]:
    """Name the series of photos that a published network was trained on, from its `PHOTO_LIST_NAME`.

    Raises:
        FileNotFoundError: there is no such list, so nothing can be said.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return {series_of(row["name"]) for row in csv.DictReader(file)}


def never_trained_on(entries: Sequence[CorpusEntry], trained: Collection[str]) -> list[CorpusEntry]:
    """Keep the held-out photos of whose series none is among the photos trained on."""
    series = {series_of(name) for name in trained}
    return [entry for entry in entries if is_held_out(entry.name) and series_of(entry.name) not in series]


def load_scene(folder: Path, name: str) -> Scene:
    """Read one photo with its matte and depth; depth is scaled up to the photo's size.

    Raises:
        FileNotFoundError: one of the three files is missing or no picture.
    """
    photo = _read_picture(folder / "photos" / f"{name}.jpg", cv2.IMREAD_COLOR_RGB)
    height, width = photo.shape[:2]
    matte = _read_picture(folder / "mattes" / f"{name}.jpg", cv2.IMREAD_GRAYSCALE)
    depth = _read_picture(folder / "depth" / f"{name}.jpg", cv2.IMREAD_GRAYSCALE)
    if matte.shape != (height, width):
        raise ValueError(f"{name}: the matte is {matte.shape}, the photo {photo.shape[:2]}; they must be equal")
    return Scene(photo, matte, cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR))


def _read_picture(path: Path, flags: int) -> Array:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or is no picture")
    return picture.astype(np.float32) / 255.0
