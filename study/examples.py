"""The shipped study that a fresh installation offers, so that /study has something to show."""

from pathlib import Path

from study.definition import read_study
from study.errors import StudyExists
from study.store import StudyStore

EXAMPLE_NAME = "example"


def ensure_example_study(store: StudyStore, folder: Path) -> None:
    """Create and open the example study if the store holds no study at all; otherwise do nothing.

    Args:
        store: Where studies are kept.
        folder: Holds `ground_truth/` and the method folders.
    Raises:
        ValueError: the folder is no valid study.
    """
    if store.studies():
        return
    definition = read_study(folder, name=EXAMPLE_NAME, title="How close is this blur to a real lens?")
    try:
        store.create_study(definition)
    except StudyExists:
        return  # another process was faster, and opens it
    store.open_study(EXAMPLE_NAME)
