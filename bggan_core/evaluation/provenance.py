"""No network is scored on photos it learned from."""

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from bggan_core.data.corpus import PHOTO_LIST_NAME
from bggan_core.data.ebb import NAME_PREFIX

# In a run's folder: its own photos, and those of the runs that its first weights came from.
PHOTOS_NAME, EARLIER_PHOTOS_NAME = "photos.txt", "earlier-photos.txt"


def trained_photos(folder: Path) -> set[str]:
    """Name the photos that a network was trained on, from its published list, or its run's and its forebears'.

    Raises:
        FileNotFoundError: there is no list, so nothing can be said of what the network has seen.
    """
    if (folder / PHOTO_LIST_NAME).is_file():
        with (folder / PHOTO_LIST_NAME).open(newline="", encoding="utf-8") as file:
            return {row["name"] for row in csv.DictReader(file)}
    if (folder / PHOTOS_NAME).is_file():
        lists = [folder / name for name in (PHOTOS_NAME, EARLIER_PHOTOS_NAME) if (folder / name).is_file()]
        return {name for path in lists for name in path.read_text(encoding="utf-8").split("\n") if name}
    raise FileNotFoundError(
        f"{folder} has neither {PHOTO_LIST_NAME} nor {PHOTOS_NAME}: what the network was trained on is unknown, so its "
        "scores would say nothing"
    )


def refuse_trained_on(names: Iterable[str], trained: Collection[str], *, network: str) -> None:
    """Refuse to score a network on pairs it learned from.

    A folder without EBB!'s layout whose pictures are numbered may hold EBB!'s all the same; its numbers are compared
    with EBB!'s ids too.

    Raises:
        ValueError: some of the names were trained on; the message names a few and what to do.
    """
    seen = sorted(name for name in names if name in trained or f"{NAME_PREFIX}{name}" in trained)
    if seen:
        raise ValueError(
            f"{network} was trained on {len(seen)} of these pairs, as {seen[:5]}: score it on others (for EBB! the "
            "validation split, or a pair list without them), or rename numbered pictures that are not EBB!'s"
        )
