"""Scripts that need the package `study`, which scripts/study.py hides from whatever is run as a file beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.mark.parametrize("name", ["study", "example_table", "interval_coverage", "make_simulated_study"])
def test_a_script_runs_as_a_file_from_any_folder(name, tmp_path):
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout
