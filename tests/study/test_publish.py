"""Publishing: nothing goes out unasked, nobody in it can be led back to a stored rater, and it reproduces."""

import json
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

from scripts.study import app
from study.export import archive_bytes, prepare_publication, publish, read_archive, reproduce, stored_study
from study.export.pseudonyms import pseudonymised
from study.export.votes import read_votes_csv
from study.records import Screen
from study.store import Enrolment
from study.tables import mos_by_method
from tests.study.sample_votes import QUICK, rating_export
from tests.study.test_store import answer
from tests.study.visiting import SCREEN_CHECK

CODE_SHA256 = "c" * 64


class RecordingHub:
    """Stands in for the Hub, which no test may reach: keeps what would be sent."""

    def __init__(self) -> None:
        self.repositories = []
        self.commits = []

    def create_repo(self, repository, *, repo_type, private, exist_ok):
        self.repositories.append((repository, repo_type, private, exist_ok))

    def create_commit(self, repository, *, operations, commit_message, repo_type):
        self.commits.append(
            (repository, commit_message, {op.path_in_repo: op.path_or_fileobj for op in operations}, repo_type)
        )
        return type("Commit", (), {"commit_url": "https://hub/commit/1"})()


@pytest.fixture
def rated_store(open_store):
    """Three raters answer everything; the second has withdrawn."""
    for number in range(3):
        enrolment = Enrolment.agreed(open_store.words("bokeh"))
        if number == 1:
            enrolment = replace(enrolment, withdrawal_sha256=CODE_SHA256)
        rater = open_store.enrol_rater("bokeh", enrolment)
        open_store.record_screen(rater, Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None))
        for value in (5, 1, 4, 2, 5, number):
            token = open_store.visit_state(rater).current.token
            open_store.record_answer(answer(value), rater_id=rater, trial_token=token)
    return open_store


def test_the_published_votes_name_no_stored_id_no_hash_no_moment_and_no_screen(rated_store):
    study = stored_study(rated_store, "bokeh", analysis=QUICK)
    publication = prepare_publication(study, repository="lab/bokeh", licence="cc-by-4.0")
    ids = {rater.rater for rater in rated_store.raters("bokeh")}
    hashes = {chained.sha256 for chained in rated_store.votes("bokeh")}
    text = b"".join(content for name, content in publication.files.items() if not name.endswith(".zip")).decode(
        "latin-1"
    )
    assert not [known for known in ids | hashes if known in text]
    votes = read_votes_csv(publication.files["votes.csv"], mode="rating")
    assert set(votes["rater"]) == {"rater-1", "rater-2", "rater-3"}
    assert votes["voted_at"].str.fullmatch(r"\d{4}-\d{2}").all()
    assert (votes["response_ms"] % 100 == 0).all()
    gone = {"ordinal", "nonce", "sha256", "previous_sha256", "viewport_width", "viewport_height", "device_pixel_ratio"}
    assert gone.isdisjoint(votes.columns)


def test_the_published_copy_alone_keeps_the_seed_to_itself(rated_store, tmp_path):
    """With it, planning each place of arrival again would tell whose trials a published rater's are."""
    study = stored_study(rated_store, "bokeh", analysis=QUICK)
    publication = prepare_publication(study, repository="lab/bokeh", licence="cc-by-4.0")
    assert json.loads(publication.files["manifest.json"])["study"]["seed"] is None
    (tmp_path / "published.zip").write_bytes(publication.files["bokeh.zip"])
    assert read_archive(tmp_path / "published.zip").export.seed is None
    assert reproduce(tmp_path / "published.zip").differences == ()
    (tmp_path / "own.zip").write_bytes(archive_bytes(study, figure_kinds=()))
    assert read_archive(tmp_path / "own.zip").export.seed == rated_store.study("bokeh").seed == 1


def test_withdrawn_raters_are_absent(rated_store):
    rated_store.withdraw(CODE_SHA256)
    study = stored_study(rated_store, "bokeh", analysis=QUICK)
    votes = read_votes_csv(
        prepare_publication(study, repository="lab/bokeh", licence="cc-by-4.0").files["votes.csv"], mode="rating"
    )
    assert (votes["rater"].nunique(), len(votes)) == (2, 12)


def test_the_published_tables_are_the_researchers_own_and_reproduce(tmp_path):
    export = rating_export()
    ours, theirs = mos_by_method(export.votes(), QUICK), mos_by_method(pseudonymised(export).votes(), QUICK)
    assert ours.equals(theirs)
    publication = prepare_publication(export, repository="lab/sample", licence="cc-by-4.0")
    publication.write(tmp_path)
    assert reproduce(tmp_path / "sample.zip").differences == ()
    assert (tmp_path / "tables" / "mos.csv").read_bytes() == publication.files["tables/mos.csv"]


def test_the_data_card_has_the_hubs_metadata_and_names_simulated_raters():
    export = rating_export()
    export = replace(export, frame=export.frame.assign(simulated=True))
    card = prepare_publication(export, repository="lab/sample", licence="cc0-1.0").files["README.md"].decode()
    metadata = yaml.safe_load(card.split("---\n")[1])
    assert metadata["license"] == "cc0-1.0"
    assert metadata["configs"] == [{"config_name": "votes", "data_files": "votes.csv"}]
    assert metadata["annotations_creators"] == ["machine-generated"]
    assert "16 of 16 raters are simulated programs, not people" in card
    assert "How raters are protected" in card


def test_pushing_sends_every_file_in_one_commit_to_a_private_dataset():
    publication = prepare_publication(rating_export(), repository="lab/sample", licence="cc-by-4.0")
    hub = RecordingHub()
    assert publish(publication, api=hub, private=True) == "https://hub/commit/1"
    assert hub.repositories == [("lab/sample", "dataset", True, True)]
    ((repository, message, files, kind),) = hub.commits
    assert (repository, kind) == ("lab/sample", "dataset")
    assert message
    assert files == publication.files


def test_without_yes_everything_is_shown_and_nothing_is_pushed(rated_store, database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # whoever pushes all the same fails
    options = ["--database-url", database_url, "--data", str(tmp_path / "var")]
    done = CliRunner().invoke(app, ["publish", "bokeh", "--repo", "lab/bokeh", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "votes.csv" in done.output
    assert "license: cc-by-4.0" in done.output
    assert "Nothing was pushed" in done.output


def test_impossible_publications_are_refused():
    with pytest.raises(ValueError, match="user/dataset"):
        prepare_publication(rating_export(), repository="nowhere", licence="cc0-1.0")
    empty = rating_export(rating_export().frame.head(0))
    with pytest.raises(ValueError, match="no votes"):
        prepare_publication(empty, repository="lab/sample", licence="cc0-1.0")
