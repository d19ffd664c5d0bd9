"""Photographed pairs on disk: `original/NAME.jpg` without bokeh and `bokeh/NAME.jpg` with it, of one size."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.data.wedges import counted_pixels
from bggan_core.optics import Array

PHOTO_FOLDER, BOKEH_FOLDER = "original", "bokeh"
_ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class PhotoPair:
    """Two files that show one scene. `name` is what tables and lists of training photos call it."""

    name: str
    photo: Path
    bokeh: Path


def read_photo_pairs(folder: Path) -> list[PhotoPair]:
    """List the pairs of a folder with `original/` and `bokeh/`, in order of number, then name.

    Raises:
        FileNotFoundError: one of the two folders is missing, or both are empty.
        ValueError: a picture has no partner; the message names some.
    """
    photos, bokeh = (pictures_by_stem(folder / part) for part in (PHOTO_FOLDER, BOKEH_FOLDER))
    if not photos and not bokeh:
        raise FileNotFoundError(f"{folder}: {PHOTO_FOLDER}/ and {BOKEH_FOLDER}/ hold no .jpg or .png picture")
    alone = sorted(photos.keys() ^ bokeh.keys())
    if alone:
        raise ValueError(f"{folder}: {len(alone)} pictures have no partner in the other folder, as {alone[:5]}")
    return [PhotoPair(stem, photos[stem], bokeh[stem]) for stem in sorted(photos, key=by_number)]


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """Map a folder's pictures by their names without ending.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: two pictures differ in the ending only.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: pairs lie in {PHOTO_FOLDER}/ and {BOKEH_FOLDER}/")
    pictures: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _ENDINGS and pictures.setdefault(path.stem, path) != path:
            raise ValueError(f"{path} and {pictures[path.stem].name} differ in the ending only: remove one of them")
    return pictures


def by_number(stem: str) -> tuple[int, str]:
    """Sort 2 before 10, and numbers before words."""
    return (int(stem) if stem.isdecimal() else 1 << 62, stem)


def load_pair(files: PhotoPair) -> Pair:
    """Read a pair at its own size, with the black wedges of registration masked.

    Raises:
        FileNotFoundError: a file is missing or is no picture.
        ValueError: the two differ in size.
    """
    photo, bokeh = _read_picture(files.photo), _read_picture(files.bokeh)
    if photo.shape != bokeh.shape:
        raise ValueError(
            f"{files.photo} is {photo.shape[1]}x{photo.shape[0]} pixels and its bokeh {bokeh.shape[1]}x"
            f"{bokeh.shape[0]}: a pair needs one size"
        )
    return Pair(photo, bokeh, counted_pixels(photo, bokeh), name=files.name)


def resize_pair(pair: Pair, *, height: int, width: int) -> Pair:
    """Scale a photographed pair, averaging areas when it shrinks; a pixel counts where all it is made of does."""
    if pair.mask.shape == (height, width):
        return pair
    shrinks = height * width < pair.mask.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    photo, bokeh = (
        np.clip(cv2.resize(picture, (width, height), interpolation=interpolation), 0.0, 1.0)
        for picture in (pair.photo, pair.bokeh)
    )
    share = cv2.resize(pair.mask, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return Pair(photo, bokeh, (share > 0.999).astype(np.float32), name=pair.name)


def crop_pair(pair: Pair, window: tuple[slice, slice]) -> Pair:
    """Cut a window of rows and columns out of a photographed pair."""
    return Pair(pair.photo[window], pair.bokeh[window], pair.mask[window], name=pair.name)


def _read_picture(path: Path) -> Array:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or is no picture")
    return picture.astype(np.float32) / np.float32(255)
