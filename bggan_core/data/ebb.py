"""EBB! ("Everything is Better with Bokeh!", Ignatov et al. 2020): photographs of one scene at f/16 and f/1.8.

Two layouts are read. The challenge's: `Training/original/N.jpg`, `Training/bokeh/N.jpg`, and photos without public
ground truth in `ValidationBokehFree/` and `TestBokehFree/`. PyNET's: `train/` and `test/`, each with `original/` and
`bokeh/`. Pictures may be .jpg or .png. The set is for research and behind a registration; no picture of it is in this
repository.

Ids 0 to 4399 are for training and 4400 to 4693 ("Val294", what later papers report on) for validation. Pairs are named
`ebb/ID`. PyNET's test pairs count from 0 again and are other scenes, so they are named `ebb-test/ID`; in copies whose
test folder counts on from 4400 they are Val294.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from bggan_core.data.corpus import CorpusEntry
from bggan_core.data.pairs import ALL_ROWS, Batch, Pair, stack_pairs
from bggan_core.data.photo_pairs import PhotoPair, crop_pair, load_pair, pictures_by_stem, read_photo_pairs, resize_pair
from bggan_core.exposure import match_exposure

FIRST_VALIDATION_ID, FIRST_UNUSED_ID = 4400, 4694
NAME_PREFIX, TEST_PREFIX = "ebb/", "ebb-test/"

LICENCE = "EBB!: research use after registration; not redistributable"
ATTRIBUTION = "Ignatov, Patel, Timofte: Rendering Natural Camera Bokeh Effect with Deep Learning, CVPRW 2020"

_TRAINING_FOLDERS = ("Training", "train")
_TEST_FOLDER = "test"
_BOKEH_FREE_FOLDERS = ("ValidationBokehFree", "TestBokehFree")


@dataclass(frozen=True)
class EbbRecipe:
    """How training crops are cut.

    Args:
        crop: "native" cuts a random window of the photos' own pixels (sec. 3.2 of the paper); "scaled" cuts the largest
            window of the wanted shape, or down to three quarters of it, and scales it, for small networks.
        match_exposure: Bring the bokeh to the photo's exposure, so that the network need not learn to change it.
        mirror: Swap left and right in half of the crops. Paper: not mentioned. Here: off, therefore.
    """

    crop: Literal["native", "scaled"] = "native"
    match_exposure: bool = False
    mirror: bool = False

    def __post_init__(self) -> None:
        if self.crop not in ("native", "scaled"):
            raise ValueError(f'crop must be "native" or "scaled", got {self.crop!r}')


def is_ebb(folder: Path) -> bool:
    """Say whether a folder has one of EBB!'s layouts."""
    return any((folder / part).is_dir() for part in (*_TRAINING_FOLDERS, *_BOKEH_FREE_FOLDERS))


def read_ebb(folder: Path, *, pair_list: Path | None = None) -> list[PhotoPair]:
    """List the pairs of an EBB! folder, PyNET's test pairs last.

    Args:
        pair_list: File with one name a line, as `17.jpg`, `17` or `ebb/17`; only these are kept.
    Raises:
        FileNotFoundError: the folder has neither layout, or holds photos without ground truth only.
        ValueError: a name is no number, is there twice, or the list names a pair that is not there.
    """
    training = [folder / part for part in _TRAINING_FOLDERS if (folder / part).is_dir()]
    if len(training) > 1:
        raise ValueError(f"{folder} has both Training/ and train/: give one layout")
    parts = [*((part, NAME_PREFIX) for part in training), (folder / _TEST_FOLDER, TEST_PREFIX)]
    pairs = [pair for part, prefix in parts if part.is_dir() for pair in _named(read_photo_pairs(part), prefix)]
    if not pairs:
        raise FileNotFoundError(_no_pairs(folder))
    names = [pair.name for pair in pairs]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(f"{folder}: {len(twice)} ids stand in both train/ and test/, as {twice[:5]}")
    return pairs if pair_list is None else _keep_listed(pairs, pair_list)


def bokeh_free_photos(folder: Path) -> list[Path]:
    """List the challenge's photos without public ground truth: to render, not to score."""
    parts = [folder / part for part in _BOKEH_FREE_FOLDERS if (folder / part).is_dir()]
    return [path for part in parts for path in pictures_by_stem(part).values()]


def provenance(name: str) -> CorpusEntry:
    """Say of a pair what lists of training photos say of every photo. EBB! has no mattes: the subject's share is 0."""
    source = f"EBB!: {name.removeprefix(NAME_PREFIX)}"
    return CorpusEntry(name, licence=LICENCE, attribution=ATTRIBUTION, source=source, subject_fraction=0.0)


def training_split(pairs: Sequence[PhotoPair]) -> list[PhotoPair]:
    """Keep ids 0 to 4399."""
    return [pair for pair in pairs if _is_between(pair.name, 0, FIRST_VALIDATION_ID)]


def validation_split(pairs: Sequence[PhotoPair]) -> list[PhotoPair]:
    """Keep Val294, ids 4400 to 4693."""
    return [pair for pair in pairs if _is_between(pair.name, FIRST_VALIDATION_ID, FIRST_UNUSED_ID)]


def test_split(pairs: Sequence[PhotoPair]) -> list[PhotoPair]:
    """Keep PyNET's own test pairs."""
    return [pair for pair in pairs if pair.name.startswith(TEST_PREFIX)]


class EbbPairs:
    """Random crops of photographed pairs: every pair once an epoch, in an order that follows from the seed.

    Args:
        pairs: The split's pairs.
    Raises:
        ValueError: there is no pair.
    """

    def __init__(self, pairs: Sequence[PhotoPair], *, recipe: EbbRecipe, seed: int) -> None:
        if not pairs:
            raise ValueError("the split holds no pair: training needs ids below 4400, validation ids from there on")
        self.pairs, self.recipe, self.seed = tuple(pairs), recipe, seed

    @property
    def photo_names(self) -> list[str]:
        """Every pair's name, sorted."""
        return sorted(pair.name for pair in self.pairs)

    def make_batch(self, index: int, *, size: int, height: int, width: int, rows: slice = ALL_ROWS) -> Batch:
        """Make batch `index` of `size` crops, or only some of its rows."""
        return stack_pairs([self.make(index * size + i, height=height, width=width) for i in range(size)[rows]])

    def make(self, index: int, *, height: int, width: int) -> Pair:
        """Make crop `index`; of a pair smaller than the crop, the missing rim is reflected and masked."""
        epoch, place = divmod(index, len(self.pairs))
        order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.pairs))
        rng = np.random.default_rng([self.seed, 1, index])
        pair = load_pair(self.pairs[order[place]])
        if self.recipe.match_exposure:
            pair = Pair(pair.photo, match_exposure(pair.bokeh, pair.photo, pair.mask), pair.mask, name=pair.name)
        cut = _cut_native if self.recipe.crop == "native" else _cut_scaled
        pair = cut(pair, rng, height=height, width=width)
        return _mirrored(pair) if self.recipe.mirror and rng.random() < 0.5 else pair


def _cut_native(pair: Pair, rng: np.random.Generator, *, height: int, width: int) -> Pair:
    pair = _reflect_to(pair, height=height, width=width)
    rows, columns = pair.mask.shape
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    return crop_pair(pair, np.s_[top : top + height, left : left + width])


def _cut_scaled(pair: Pair, rng: np.random.Generator, *, height: int, width: int) -> Pair:
    rows, columns = pair.mask.shape
    scale = min(rows / height, columns / width) * rng.uniform(0.75, 1.0)
    window = _cut_native(pair, rng, height=int(height * scale), width=int(width * scale))
    return resize_pair(window, height=height, width=width)


def _reflect_to(pair: Pair, *, height: int, width: int) -> Pair:
    """Grow a pair to at least a size, at the bottom and on the right; the new rim does not count."""
    rows, columns = pair.mask.shape
    below, right = max(height - rows, 0), max(width - columns, 0)
    if not below and not right:
        return pair
    photo, bokeh = (
        cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REFLECT) for picture in (pair.photo, pair.bokeh)
    )
    return Pair(photo, bokeh, np.pad(pair.mask, ((0, below), (0, right))), name=pair.name)


def _mirrored(pair: Pair) -> Pair:
    photo, bokeh, mask = (np.ascontiguousarray(plane[:, ::-1]) for plane in (pair.photo, pair.bokeh, pair.mask))
    return Pair(photo, bokeh, mask, name=pair.name)


def _named(pairs: Sequence[PhotoPair], prefix: str) -> list[PhotoPair]:
    """Give pairs the names by which training and test sets are compared."""
    named = []
    for pair in pairs:
        if not pair.name.isdecimal():
            raise ValueError(f"{pair.photo}: EBB!'s pictures are numbered, as 17.jpg")
        number = int(pair.name)
        own = NAME_PREFIX if number >= FIRST_VALIDATION_ID else prefix
        named.append(PhotoPair(f"{own}{number}", pair.photo, pair.bokeh))
    return named


def _keep_listed(pairs: Sequence[PhotoPair], pair_list: Path) -> list[PhotoPair]:
    lines = [line.strip() for line in pair_list.read_text(encoding="utf-8").splitlines()]
    wanted = {_listed_name(line, pair_list) for line in lines if line}
    missing = sorted(wanted - {pair.name for pair in pairs})
    if missing:
        raise ValueError(f"{pair_list} names {len(missing)} pairs that are not in the folder, as {missing[:5]}")
    return [pair for pair in pairs if pair.name in wanted]


def _listed_name(line: str, pair_list: Path) -> str:
    prefix = TEST_PREFIX if line.startswith(TEST_PREFIX) else NAME_PREFIX
    stem = Path(line).stem
    if not stem.isdecimal():
        raise ValueError(f"{pair_list}: {line!r} is no pair's name: one a line, as 17.jpg, 17 or ebb/17")
    return f"{prefix}{int(stem)}"


def _is_between(name: str, low: int, high: int) -> bool:
    return name.startswith(NAME_PREFIX) and low <= int(name.removeprefix(NAME_PREFIX)) < high


def _no_pairs(folder: Path) -> str:
    free = len(bokeh_free_photos(folder)) if folder.is_dir() else 0
    if free:
        return f"{folder} holds {free} photos without ground truth and no pair: render them, they cannot be scored"
    return (
        f"{folder} is no EBB! folder: it needs Training/ (the challenge's) or train/ (PyNET's) with original/, bokeh/"
    )
