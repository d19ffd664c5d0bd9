"""The researcher's side of a rehearsal: what needs the store and its key, and so no rater could do.

Nothing from here reaches a simulated rater but two things: an invitation, by which the server marks the rater as
simulated, and a truth that is asked with the pixels the rater was shown.
"""

from pathlib import Path

from study.records import StudyRecord
from study.scale import rating_scale
from study.simulation.truth import PictureTruth, Truth, read_qualities, tabled_truth
from study.store import StudyStore
from study.visits import Visits


def invite_simulated(store: StudyStore, name: str, *, secret_key: str) -> str:
    """Make an open invitation whose raters stay marked as simulated.

    Args:
        store: Holds the study.
        name: The study's.
        secret_key: The serving app's, from `load_secret_key`.
    """
    return Visits(store, secret_key=secret_key).invite(name, max_uses=None, simulated=True)


def refuse_people(store: StudyStore, name: str) -> None:
    """Keep simulated raters out of a study that people have begun.

    Raises:
        ValueError: it has raters who are not simulated and have not withdrawn.
    """
    people = [rater for rater in store.raters(name) if not rater.simulated and rater.withdrawn_at is None]
    if people:
        raise ValueError(
            f"{name} has {len(people)} rater(s) who are people. Rehearse in a copy of the study under another name. "
            "Or add --mixed-with-real: the simulated raters stay marked, but their votes stay in the study's chain."
        )


def load_truth(store: StudyStore, study: StudyRecord, path: Path | None) -> Truth:
    """What simulated raters hold to be true.

    Args:
        store: Holds the study's pictures with their names.
        study: The study.
        path: A table for `read_qualities`, in points of the study's scale, or of 0-5 in a pairwise study; None for
            the pictures' similarity to the ground truth.
    """
    if path is None:
        return PictureTruth()
    values = (study.scale or rating_scale()).values
    cells = read_qualities(path, scenes=study.scenes, methods=study.methods, values=values)
    named = [(scene, method, sha256) for scene, method, sha256 in store.pictures(study.name) if method is not None]
    shown = [(scene, method, sha256) for scene, method, sha256 in named if (scene, method) in cells]
    return tabled_truth(cells, [(scene, method, store.picture_bytes(sha256)) for scene, method, sha256 in shown])
