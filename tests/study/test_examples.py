"""The shipped studies are whole, and a fresh installation offers them."""

from pathlib import Path

import pytest

from study.definition import read_study, read_study_file
from study.examples import ensure_example_study
from tests.study.pictures import write_study_folder

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "examples" / "study"


@pytest.fixture(scope="module")
def shipped_folder(tmp_path_factory):
    """The shipped study files over small pictures: decoding the real ones is another test's time."""
    folder = tmp_path_factory.mktemp("shipped")
    methods = ("glass_net", "global_gaussian", "lens_blur_too_strong", "unprocessed")
    write_study_folder(folder, scenes=[f"scene_{number:02d}" for number in range(1, 9)], methods=methods)
    for path in SHIPPED.glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("name", ["example", "example-pairs"])
def test_a_shipped_study_is_whole_with_its_own_pictures(name):
    definition = read_study_file(SHIPPED / f"{name}.yaml")
    assert definition.name == name
    assert len(definition.scenes) == 8
    assert set(definition.languages) == {"en", "de"}


def test_a_fresh_installation_offers_the_rating_study_and_has_the_pairwise_one_beside(store, shipped_folder):
    ensure_example_study(store, shipped_folder)
    assert {study.name: study.status for study in store.studies()} == {"example": "open", "example-pairs": "open"}
    assert store.open_study_for_raters().name == "example"
    assert store.open_study_for_raters("example-pairs").mode == "pairwise"


def test_a_start_killed_between_the_two_is_made_good(store, shipped_folder):
    store.create_study(read_study_file(shipped_folder / "example-pairs.yaml"))
    ensure_example_study(store, shipped_folder)
    assert {study.name: study.status for study in store.studies()} == {"example": "open", "example-pairs": "open"}


def test_an_installation_with_a_study_of_its_own_gets_no_examples(store, shipped_folder, study_folder):
    store.create_study(read_study(study_folder, name="mine"))
    ensure_example_study(store, shipped_folder)
    assert [(study.name, study.status) for study in store.studies()] == [("mine", "draft")]
