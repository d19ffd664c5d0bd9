"""Studies for simulated raters, and the applications that serve them within the test's own process."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from study.definition import read_study_file
from study.records import Mode, StudyRecord
from study.store import StudyStore
from tests.study.pictures import write_study_folder

SCREEN = {
    "screen_width": 1440,
    "screen_height": 900,
    "viewport_width": 1425,
    "viewport_height": 789,
    "device_pixel_ratio": 2.0,
    "zoom": 1.0,
}


def make_study(
    store: StudyStore,
    folder: Path,
    *,
    mode: Mode,
    name: str = "rehearsal",
    scenes: Sequence[str] = ("bench", "harbour", "orchid"),
    methods: Sequence[str] = ("glassnet", "unprocessed", "gaussian"),
    **fields: object,
) -> StudyRecord:
    """Create and open a study of random pictures; `fields` go into its file unless they are None."""
    write_study_folder(folder, scenes=scenes, methods=methods)
    file = folder / "study.yaml"
    given = {key: value for key, value in fields.items() if value is not None}
    file.write_text(yaml.safe_dump({"name": name, "mode": mode, **given}))
    study = store.create_study(read_study_file(file), seed=1)
    store.open_study(name)
    return study


def study_pictures(folder: Path) -> list[tuple[str, str, bytes]]:
    """Scene, method and file of every picture of a study folder, as the researcher has them."""
    return [
        (path.stem, path.parent.name, path.read_bytes())
        for path in sorted(folder.glob("*/*.png"))
        if path.parent.name != "ground_truth"
    ]
