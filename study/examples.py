"""The shipped study that a fresh installation offers, so that /study has something to show."""

from contextlib import suppress
from pathlib import Path

from study.definition import read_study
from study.errors import StudyExists
from study.records import StudyRecord
from study.store import StudyStore

EXAMPLE_NAME = "example"
EXAMPLE_TITLE = "How close is this blur to a real lens?"


def ensure_example_study(store: StudyStore, folder: Path) -> None:
    """Create the example study if the store holds no study at all, and open it if it is still a draft.

    A start that was killed between the two is so made good by the next one. An example that a researcher closed stays
    closed.

    Args:
        store: Where studies are kept.
        folder: Holds `ground_truth/` and the method folders.
    Raises:
        ValueError: the folder is no valid study.
    """
    if not store.studies():
        definition = read_study(folder, name=EXAMPLE_NAME, title=EXAMPLE_TITLE)
        with suppress(StudyExists):  # another process was faster
            store.create_study(definition)
    if any(_is_unopened_example(study) for study in store.studies()):
        store.open_study(EXAMPLE_NAME)


def _is_unopened_example(study: StudyRecord) -> bool:
    """The shipped study, not a researcher's own draft of the same name."""
    return (study.name, study.title, study.status) == (EXAMPLE_NAME, EXAMPLE_TITLE, "draft")
