"""Servers in processes of their own, so that a test can kill them."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running_server(
    *, port: int, database_url: str, data_folder: Path, page: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `tests.study.serve` until the block ends or the test kills it."""
    command = [sys.executable, "-m", "tests.study.serve", str(port), database_url, str(data_folder)]
    process = subprocess.Popen(command + (["page"] if page else []), cwd=ROOT)
    try:
        _wait_until_answering(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until_answering(port: int, process: subprocess.Popen[bytes], *, timeout_s: float = 600) -> None:
    """Wait for any HTTP answer, whatever its status."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/study/api/visit", timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise RuntimeError(f"server on port {port} did not start; exit code {process.poll()}")


@contextmanager
def leaky_server(data_folder: Path) -> Iterator[str]:
    """Run the whole app with `tests.study.serve_leaky` and give its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.study.serve_leaky", str(port), str(data_folder)], cwd=ROOT)
    try:
        _wait_until_answering(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
