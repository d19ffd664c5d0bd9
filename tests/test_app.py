"""The entrance: its settings, and a start that fails in words."""

import subprocess
import sys
from pathlib import Path

import pytest

import app as entrance
from app import Settings, build_app, read_settings

ROOT = Path(entrance.__file__).parent


@pytest.mark.parametrize(
    ("arguments", "environment", "host", "port"),
    [
        ([], {}, "127.0.0.1", 7860),
        ([], {"GRADIO_SERVER_PORT": "8001"}, "127.0.0.1", 8001),
        (["--port", "8002"], {"GRADIO_SERVER_PORT": "8001"}, "127.0.0.1", 8002),
        ([], {"SPACE_ID": "someone/bggan"}, "0.0.0.0", 7860),
    ],
)
def test_address_is_taken_from_arguments_then_environment(
    arguments: list[str], environment: dict[str, str], host: str, port: int
) -> None:
    """--port goes before GRADIO_SERVER_PORT goes before 7860; a Space listens to all."""
    settings = read_settings(arguments, environment)
    assert (settings.host, settings.port) == (host, port)


def test_database_lies_in_the_data_folder_unless_named() -> None:
    """DATABASE_URL takes the studies elsewhere."""
    assert read_settings(["--data", "kept"], {}).study_database == "sqlite:///kept/study.db"
    assert read_settings([], {"DATABASE_URL": "postgresql://db/bggan"}).study_database == "postgresql://db/bggan"


def test_missing_weights_end_the_start_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and says what to do."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--weights", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"manifest\.json is missing: get"):
        entrance.main()


def test_missing_examples_end_the_start(tmp_path: Path) -> None:
    """A page with its gallery left out in silence would be a surprise."""
    with pytest.raises(ValueError, match=r"no manifest\.json"):
        build_app(Settings(examples=tmp_path, data=tmp_path / "var"), render=lambda rgb: rgb)


def test_serving_imports_no_tensorflow() -> None:
    """The app with its renderer is up without a training framework."""
    code = "import sys, app, bggan_core.rendering; print({'tensorflow', 'keras', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
