"""The shipped studies that a fresh installation offers, so that /study has something to show."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from study.definition import StudyDefinition, read_study, read_study_file
from study.errors import StudyExists
from study.records import StudyRecord
from study.store import StudyStore

EXAMPLE_NAME = "example"
EXAMPLE_TITLE = "How close is this blur to a real lens?"


@dataclass(frozen=True)
class _Shipped:
    """A shipped study: its title tells it from a researcher's own of the same name; reading decodes every picture."""

    title: str
    read: Callable[[], StudyDefinition]


def ensure_example_study(store: StudyStore, folder: Path) -> None:
    """Create the example studies in a store without any others, and open those that are still drafts.

    A start that was killed in between is so made good by the next one. An example that a researcher closed stays
    closed. The one named `example` is opened last, so it is the one that /study offers.

    Args:
        store: Where studies are kept.
        folder: Holds a study file NAME.yaml per study; or, without any, one rating study's `ground_truth/` and methods.
    Raises:
        ValueError: the folder holds no valid study.
    """
    known, there = _shipped(folder), store.studies()
    if all(_is_unopened(study, known) for study in there):
        for name in sorted(set(known) - {study.name for study in there}):
            with suppress(StudyExists):  # another process was faster
                store.create_study(known[name].read())
    for study in sorted(store.studies(), key=lambda study: study.name == EXAMPLE_NAME):
        if _is_unopened(study, known):
            store.open_study(study.name)


def _shipped(folder: Path) -> Mapping[str, _Shipped]:
    """The studies of a folder by name, without decoding a picture."""
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not files:
        return {
            EXAMPLE_NAME: _Shipped(EXAMPLE_TITLE, partial(read_study, folder, name=EXAMPLE_NAME, title=EXAMPLE_TITLE))
        }
    return {name: _Shipped(_title(path), partial(read_study_file, path)) for name, path in files.items()}


def _title(path: Path) -> str:
    """The title in a study file's default language."""
    fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    title = fields["title"]
    return str(title[fields["languages"][0]] if isinstance(title, dict) else title)


def _is_unopened(study: StudyRecord, shipped: Mapping[str, _Shipped]) -> bool:
    """A shipped study that is still a draft, not a researcher's own draft of the same name."""
    known = shipped.get(study.name)
    return known is not None and study.title == known.title and study.status == "draft"
