"""The app never reaches out: neither while it starts, nor while it serves, nor while it renders."""

import subprocess
import sys
from pathlib import Path

import httpx
from gradio_client import Client, handle_file
from PIL import Image

from tests.api.conftest import Served
from tests.demo.files import gradient, save
from tests.demo.serving import ROOT, attempts_of


def test_app_serves_and_renders_without_any_network(served: Served, client: Client, tmp_path: Path) -> None:
    """Started with all outgoing sockets refused, it serves the page and a rendering, and has tried nothing."""
    assert httpx.get(served.address, timeout=60).status_code == 200
    photo = save(tmp_path / "photo.png", gradient(300, 200))
    with Image.open(client.predict(photo=handle_file(photo), api_name="/render")) as picture:
        assert picture.size == (300, 200)
    assert attempts_of(served.folder) == ""


def test_the_watch_sees_attempts(tmp_path: Path) -> None:
    """Or else the test above would show nothing. 192.0.2.1 is no one's address (RFC 5737)."""
    code = (
        "import sys, socket, pathlib; from tests.demo.offline_app import forbid_network; "
        "forbid_network(pathlib.Path(sys.argv[1])); socket.create_connection(('192.0.2.1', 80), timeout=1)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "attempts.txt")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode != 0
    assert "192.0.2.1" in attempts_of(tmp_path)
