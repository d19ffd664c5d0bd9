"""Exported tables: equal to a hand calculation, and saying what they rest on."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from app import Settings
from scripts.study import DEFAULT_DATA, app
from study.export import mos_markdown, mos_table, write_tables
from study.store import StudyStore
from tests.study.test_store import answer

ROOT = Path(__file__).resolve().parents[2]


def rate(store, cells, values):
    """One rater answers the given (scene, method) cells."""
    rater = store.enrol_rater("bokeh", plan=lambda _study, _ordinal: cells)
    for value in values:
        store.record_vote(answer(value), rater_id=rater, trial_token=store.visit_state(rater).current.token)


@pytest.fixture
def rated_store(open_store):
    """glassnet (method 0) gets 5, 4, 3; unprocessed (method 1) gets 1."""
    rate(open_store, [(0, 0), (1, 0), (0, 1)], [5, 4, 1])
    rate(open_store, [(2, 0)], [3])
    return open_store


def test_the_exported_mos_equals_a_hand_calculation(rated_store, tmp_path):
    """glassnet: mean of 5, 4, 3 is 4, S = 1, t(.975, 2) = 4.302653, so 4 ± 4.302653 / sqrt(3)."""
    write_tables(rated_store.study("bokeh"), rated_store.votes("bokeh"), folder=tmp_path)
    table = pd.read_csv(tmp_path / "mos.csv").set_index("method")
    half_width = 4.302653 / math.sqrt(3)
    assert table.loc["glassnet", "mos"] == 4
    assert table.loc["glassnet", "ci_low"] == pytest.approx(4 - half_width, abs=1e-6)
    assert table.loc["glassnet", "ci_high"] == pytest.approx(4 + half_width, abs=1e-6)
    assert list(table.loc["glassnet", ["n_votes", "n_raters", "n_scenes"]]) == [3, 2, 3]
    assert table.loc["unprocessed", "mos"] == 1
    assert pd.isna(table.loc["unprocessed", "ci_low"])


def test_every_row_says_what_it_rests_on(rated_store):
    study = rated_store.study("bokeh")
    table = mos_table(study, rated_store.votes("bokeh"))
    for column, value in {"screening": "none", "confidence": 0.95, "study_sha256": study.sha256}.items():
        assert set(table[column]) == {value}
    assert set(table["scale"]) == {"0-5 (0 = mostly different from the ground truth, 5 = almost identical)"}
    assert table["ci_method"].str.startswith("t interval").all()


def test_the_markdown_table_names_counts_interval_screening_and_scale(rated_store):
    text = mos_markdown(rated_store.study("bokeh"), rated_store.votes("bokeh"))
    assert "| glassnet | 4.00 | 1.52 to 6.48 | 3 | 2 | 3 |" in text
    assert "| unprocessed | 1.00 | none (needs 2 votes) | 1 | 1 | 1 |" in text
    assert "2 raters, 3 of 3 scenes, 4 votes" in text
    assert "t interval" in text
    assert "Screening of raters: none" in text
    assert "Scale: 0-5" in text


def test_a_method_without_votes_keeps_its_row(open_store):
    text = mos_markdown(open_store.study("bokeh"), open_store.votes("bokeh"))
    assert "| glassnet | no votes | none (needs 2 votes) | 0 | 0 | 0 |" in text


def test_the_votes_table_has_one_row_per_vote(rated_store, tmp_path):
    write_tables(rated_store.study("bokeh"), rated_store.votes("bokeh"), folder=tmp_path)
    votes = pd.read_csv(tmp_path / "votes.csv")
    assert list(votes["value"]) == [5, 4, 1, 3]
    assert votes["sha256"].is_unique
    assert votes["rater"].nunique() == 2


def test_a_researcher_creates_opens_watches_closes_and_exports_from_the_command_line(study_folder, tmp_path):
    def run(*arguments):
        options = ["--database-url", f"sqlite:///{tmp_path}/cli.db", "--data", str(tmp_path / "data")]
        done = CliRunner().invoke(app, [*arguments, *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "3 scenes x 2 methods" in run("create", "bokeh", "--from", str(study_folder), "--scale-max", "4")
    assert "is open" in run("open", "bokeh")
    assert "0 votes" in run("status", "bokeh")
    assert "bokeh  open" in run("list")
    assert "is closed" in run("close", "bokeh")
    run("export", "bokeh", "--to", str(tmp_path / "tables"))
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {"votes.csv", "mos.csv", "mos.md"}


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
