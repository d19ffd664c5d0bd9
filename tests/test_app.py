"""The entrance: its settings, and a start that fails in words."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app as entrance
from app import Settings, build_app, read_settings
from tests.ports import free_port

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


def test_help_names_every_variable_and_shows_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    """A database's URL may hold one, and a % too."""
    with pytest.raises(SystemExit):
        read_settings(["--help"], {"DATABASE_URL": "postgresql://rater:hush%21@db/bggan"})
    told = capsys.readouterr().out
    assert "hush" not in told
    named = {"GRADIO_SERVER_PORT", "DATABASE_URL"}
    named |= {
        f"BGGAN_{name}" for name in ("WEIGHTS", "EXAMPLES", "DATA", "MAX_UPLOAD_MEGABYTES", "ENROLMENTS_PER_HOUR")
    }
    assert set(re.findall(r"\$([A-Z_]+)", told)) == named


def test_data_folder_is_the_repositorys_wherever_the_app_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for weights and examples: another working folder must not mean an empty database."""
    monkeypatch.chdir(tmp_path)
    assert read_settings([], {}).data == ROOT / "var"


def test_busy_port_ends_the_start_with_advice_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names both ways to another port, and the data folder of the server that runs is left alone."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["app.py", "--port", str(port), "--data", str(tmp_path / "var")])
        with pytest.raises(
            SystemExit, match=rf"Port {port} is in use.* --port {port + 1} or GRADIO_SERVER_PORT={port + 1}\."
        ):
            entrance.main()
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (["--port", "70000"], "--port must be from 0 to 65535, got 70000"),
        (["--host", "192.0.2.1", "--port", "0"], "cannot listen on --host 192.0.2.1 --port 0: "),
    ],
)
def test_impossible_address_ends_the_start(address: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message repeats the address. 192.0.2.1 is no one's (RFC 5737)."""
    monkeypatch.setattr(sys, "argv", ["app.py", *address])
    with pytest.raises(SystemExit, match=re.escape(says)):
        entrance.main()


def test_missing_database_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that needs a package nobody installed gives advice, and no password is repeated."""
    monkeypatch.setitem(sys.modules, "psycopg2", None)  # what Python takes for a module that cannot be imported
    settings = Settings(data=tmp_path / "var", database_url="postgresql+psycopg2://rater:secret@localhost/bggan")
    with pytest.raises(ValueError, match=r"DATABASE_URL is not installed \(.*psycopg2.*\): install it") as refusal:
        build_app(settings, render=lambda rgb: rgb)
    assert "secret" not in str(refusal.value)


def test_database_that_does_not_answer_ends_the_start_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence instead of a traceback, with the address but not the password."""
    address = f"127.0.0.1:{free_port()}/bggan"
    database = f"postgresql://rater:secret@{address}"
    monkeypatch.setattr(sys, "argv", ["app.py", "--port", "0", "--data", str(tmp_path), "--database-url", database])
    with pytest.raises(SystemExit, match=rf"The app cannot start\. The database .*@{address} cannot be opened") as end:
        entrance.main()
    assert "secret" not in str(end.value)


def test_missing_weights_end_the_start_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and says what to do."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--port", "0", "--weights", str(tmp_path)])
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
