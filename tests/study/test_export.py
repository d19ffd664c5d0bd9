"""A stored study as files: every vote with its hash, from any database the same bytes, from the command line too."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from app import Settings
from scripts.study import DEFAULT_DATA, app
from study.export import archive_bytes, read_archive, reproduce, stored_study
from study.export.votes import columns_of, false_hashes, read_votes_csv, votes_csv
from study.export.zipping import unzip_files, zip_bytes
from study.schema import Base
from study.store import StudyStore
from study.store.engine import open_engine
from study.tables import mos_by_method
from tests.study.sample_votes import QUICK, pairwise_export, rating_export
from tests.study.test_store import answer
from tests.study.visiting import enrol

ROOT = Path(__file__).resolve().parents[2]
VALUES = ([5, 1, 4, 2, 5, 0], [4, 1, 4, 1, 5, 1], [3, 3, 5, 2, 4, 1])


@pytest.fixture
def rated_store(open_store):
    """Three raters answer all six trials of `bokeh`."""
    for values in VALUES:
        rater = enrol(open_store)
        for value in values:
            token = open_store.visit_state(rater).current.token
            open_store.record_answer(answer(value), rater_id=rater, trial_token=token)
    return open_store


def test_every_vote_is_one_row_that_reads_back_with_a_true_hash(rated_store):
    export = stored_study(rated_store, "bokeh")
    assert list(export.frame["value"]) == [value for values in VALUES for value in values]
    assert tuple(export.frame.columns) == columns_of("rating")
    again = read_votes_csv(votes_csv(export.frame).encode(), mode="rating")
    pd.testing.assert_frame_equal(again, export.frame)
    assert false_hashes(again) == []


def test_a_vote_changed_after_it_was_cast_is_found_by_its_hash(rated_store):
    frame = stored_study(rated_store, "bokeh").frame
    frame.loc[2, "value"] = 0
    assert false_hashes(frame) == [f"vote {frame.loc[2, 'ordinal']}: its hash is not its own"]


def test_the_mos_of_a_stored_study_is_the_mean_of_its_votes(rated_store):
    votes = [chained.vote for chained in rated_store.votes("bokeh")]
    table = mos_by_method(stored_study(rated_store, "bokeh").votes(), QUICK).set_index("method")
    for method in table.index:
        given = [vote.value for vote in votes if vote.method == method]
        assert table.loc[method, "mos"] == pytest.approx(sum(given) / len(given))


def test_sqlite_and_postgresql_give_the_same_bytes(rated_store, database_url, postgresql, tmp_path):
    if isinstance(postgresql, str):
        pytest.skip(f"no PostgreSQL: {postgresql}")
    other_url = postgresql.new_database()
    other = StudyStore(other_url, data_folder=tmp_path / "other")
    source, target = open_engine(database_url), open_engine(other_url)
    with source.connect() as reading, target.begin() as writing:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row._mapping) for row in reading.execute(select(table))]
            if rows:
                writing.execute(insert(table), rows)
    archives = [archive_bytes(stored_study(store, "bokeh"), figure_kinds=("svg",)) for store in (rated_store, other)]
    assert archives[0] == archives[1]
    for closing in (source, target):
        closing.dispose()
    other.close()


def run(*arguments, options=()):
    return CliRunner().invoke(app, [*map(str, arguments), *options], catch_exceptions=False)


def test_a_researcher_exports_reproduces_and_prints_from_the_command_line(rated_store, database_url, tmp_path):
    options = ["--database-url", database_url, "--data", str(tmp_path / "var")]
    metrics = tmp_path / "metrics.csv"
    assert run("metrics", "--from", tmp_path / "source", "--to", metrics).exit_code == 0
    done = run("export", "bokeh", "--to", tmp_path / "out", "--metrics", metrics, "--resamples", 100, options=options)
    assert done.exit_code == 0, done.output
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    expected = {"votes.csv", "data-dictionary.csv", "manifest.json", "bokeh.zip", "other-tools/sureal.json"}
    assert expected | {"tables/mos.tex", "tables/methods.md", "figures/mos.pdf"} <= written
    archive = tmp_path / "out" / "bokeh.zip"
    headings = (tmp_path / "out" / "tables" / "methods.csv").read_text().splitlines()[0].split(",")
    assert {"PSNR", "SSIM", "mos"} <= set(headings)
    reproduced = run("reproduce", archive)
    assert reproduced.exit_code == 0
    assert "18 votes (18 with a checked hash): every digit as in the archive" in reproduced.output
    assert "| Method |" in run("table", archive).output
    assert r"\toprule" in run("table", archive, "--table", "mos", "--as", "tex").output
    assert read_archive(archive).export.facts.name == "bokeh"


def test_two_archives_are_printed_on_one_scale_but_not_in_the_wrong_order(tmp_path):
    rated, compared = tmp_path / "ratings.zip", tmp_path / "pairs.zip"
    rated.write_bytes(archive_bytes(rating_export(), figure_kinds=()))
    compared.write_bytes(archive_bytes(pairwise_export(), figure_kinds=()))
    printed = pd.read_csv(io.StringIO(run("common-scale", rated, compared, "--as", "csv").stdout))
    assert list(printed["method"]) == ["reference", "glass_net", "gaussian", "unprocessed"]
    assert set(printed["verdict"]) == {"ratings and comparisons agree"}
    with pytest.raises(ValueError, match="is a pairwise study: it has no ratings"):
        run("common-scale", compared, rated)


def test_reproduce_ends_with_an_error_where_anything_differs(rated_store, tmp_path):
    path = tmp_path / "x.zip"
    content = archive_bytes(stored_study(rated_store, "bokeh", analysis=QUICK), figure_kinds=())
    path.write_bytes(content)
    assert reproduce(path).differences == ()
    path.write_bytes(zip_bytes(unzip_files(path) | {"README.md": b"other"}))
    done = run("reproduce", path)
    assert done.exit_code == 1
    assert "README.md: changed since the archive was made" in done.output


def test_the_commands_and_the_app_keep_one_store_in_one_data_folder(study_folder, tmp_path, monkeypatch):
    """Whether the folder is named by the option, by the variable or not at all."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name, options, environment in [
        ("by-option", ["--data", str(tmp_path / "data")], {}),
        ("by-variable", [], {"BGGAN_DATA": str(tmp_path / "data")}),
    ]:
        create = ["create", name, "--from", str(study_folder), *options]
        assert CliRunner().invoke(app, create, env=environment, catch_exceptions=False).exit_code == 0
    served = StudyStore(Settings(data=tmp_path / "data").study_database, data_folder=tmp_path / "data")
    assert [study.name for study in served.studies()] == ["by-option", "by-variable"]
    served.close()
    assert Settings().data == DEFAULT_DATA


def test_the_script_runs_as_a_file_from_any_folder_and_says_errors_in_one_line(tmp_path):
    """Its own name, study.py, would hide the package `study` if it did not take care."""
    command = [sys.executable, str(ROOT / "scripts" / "study.py"), "open", "nowhere"]
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/cli.db", "BGGAN_DATA": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr.strip()) == (1, "Error: There is no such study.")
