"""The whole app in a process of its own, on a free port: with a function in the network's place, or as shipped."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.demo.files import write_examples
from tests.ports import free_port
from tests.study.pictures import write_study_folder

ROOT = Path(__file__).resolve().parents[2]
MAX_UPLOAD_MEGABYTES = 4

_SETTINGS_OF_THE_APP = ("BGGAN_", "DATABASE_URL", "GRADIO_", "SPACE_ID")


@contextmanager
def running_app(folder: Path) -> Iterator[str]:
    """Serve generated examples and a function; see `_running`."""
    write_examples(folder / "examples")
    write_study_folder(folder / "study")
    port = free_port()
    with _running(["tests.demo.offline_app", str(port), str(folder)], port, folder) as address:
        yield address


@contextmanager
def running_shipped_app(folder: Path) -> Iterator[str]:
    """Serve as `python app.py` does, with the repository's weights, examples and study, data in `folder`/var."""
    port = free_port()
    arguments = [str(folder / "attempts.txt"), "--port", str(port), "--data", str(folder / "var")]
    with _running(["tests.demo.offline_entrance", *arguments], port, folder) as address:
        yield address


@contextmanager
def _running(module: list[str], port: int, folder: Path) -> Iterator[str]:
    """Serve until the block ends and give the address; fail if the app ever tried to leave this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS_OF_THE_APP)}
    with subprocess.Popen([sys.executable, "-m", *module], cwd=ROOT, env=environment) as process:
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
    assert not attempts_of(folder), attempts_of(folder)


def attempts_of(folder: Path) -> str:
    """What the app in this folder tried to reach outside of this machine."""
    record = folder / "attempts.txt"
    return record.read_text() if record.exists() else ""


def _wait_until_healthy(address: str, process: subprocess.Popen, *, timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{address}/healthz").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the app did not start; exit code {process.poll()}")
