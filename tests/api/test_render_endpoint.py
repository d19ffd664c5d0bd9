"""Programs get from `/render` what visitors get from the page."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.api.conftest import Served
from tests.demo.files import gradient, png_announcing, save
from tests.demo.serving import attempts_of


@pytest.mark.parametrize("size", [(301, 203), (45, 900)])
def test_photo_comes_back_rendered_at_its_own_size(client: Client, tmp_path: Path, size: tuple[int, int]) -> None:
    """The returned file is the rendering, as a JPEG of the photo's pixel size, named after it."""
    result = client.predict(photo=handle_file(save(tmp_path / "walk.png", gradient(*size))), api_name="/render")
    assert Path(result).name == "walk-bokeh.jpg"
    with Image.open(result) as picture:
        assert (picture.format, picture.size) == ("JPEG", size)
        assert np.abs(np.asarray(picture).astype(int) - gradient(*size) // 2).mean() < 3


def test_size_is_that_of_the_upright_photo_and_metadata_is_gone(client: Client, tmp_path: Path) -> None:
    """A photo stored lying on its side comes back upright, without its place."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    path = save(tmp_path / "walk.jpg", gradient(300, 200), exif=exif)
    with Image.open(client.predict(photo=handle_file(path), api_name="/render")) as picture:
        assert picture.size == (200, 300)
        assert not picture.getexif()
        assert "exif" not in picture.info


@pytest.mark.parametrize(
    ("content", "says"), [(b"Dear diary", "not a photo"), (b"\xff\xd8\xff" + b"x" * 99, "not a photo")]
)
def test_file_that_is_no_photo_gives_a_clear_error(client: Client, tmp_path: Path, content: bytes, says: str) -> None:
    """The error is the sentence a visitor would read, and tells nothing of the server."""
    path = tmp_path / "diary.jpg"
    path.write_bytes(content)
    with pytest.raises(AppError, match=says) as refusal:
        client.predict(photo=handle_file(path), api_name="/render")
    assert "Traceback" not in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


def test_bomb_gives_a_clear_error(client: Client, tmp_path: Path) -> None:
    """2.5 gigapixels in 100 bytes are refused."""
    path = png_announcing(tmp_path / "bomb.png", 50_000, 50_000)
    with pytest.raises(AppError, match="40 megapixels"):
        client.predict(photo=handle_file(path), api_name="/render")


def test_only_render_is_public(client: Client) -> None:
    """The page's own events are no part of the API."""
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/render"}


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "https://example.org/photo.jpg", "", None, "\0", "examples/manifest.json"]
)
def test_forged_path_reads_and_fetches_nothing(served: Served, path: str | None) -> None:
    """A payload that names anything but an uploaded file is refused, and no address is looked up."""
    address = served.address
    payload = {"path": path, "meta": {"_type": "gradio.FileData"}}
    event = httpx.post(f"{address}/gradio_api/call/render", json={"data": [payload]}, timeout=60)
    if event.is_success:
        events = httpx.get(f"{address}/gradio_api/call/render/{event.json()['event_id']}", timeout=60).text
        assert events.startswith("event: error")
        assert "root:" not in events
    assert attempts_of(served.folder) == ""


@pytest.mark.parametrize("page", ["", "/study"])
@pytest.mark.parametrize("separator", ["=", "/"])
@pytest.mark.parametrize("route", ["file", "proxy"])
@pytest.mark.parametrize("scheme", ["https://", "http%3A//", "%68ttps:%2F%2F", "HTTPS://"])
def test_server_fetches_no_address_for_anyone(
    served: Served, http: httpx.Client, *, page: str, separator: str, route: str, scheme: str
) -> None:
    """Gradio's file routes, by their new and their old names, do not make this server a proxy."""
    answer = http.get(f"{served.address}{page}/gradio_api/{route}{separator}{scheme}example.org/photo.jpg")
    assert (answer.status_code, answer.text) == (404, "Not found")  # in our words: Gradio never saw the request
    assert attempts_of(served.folder) == ""


def test_forged_example_is_refused(address: str) -> None:
    """An example that is not offered gives an error, not a file."""
    config = httpx.get(f"{address}/config", timeout=60).json()
    index = next(entry["id"] for entry in config["dependencies"] if entry["api_name"] == "render_example")
    body = {"data": [], "fn_index": index, "session_hash": "forged", "event_data": {"index": 99}}
    httpx.post(f"{address}/gradio_api/queue/join", json=body, timeout=60).raise_for_status()
    with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=forged", timeout=60) as stream:
        messages = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line]
    completed = next(message for message in messages if message["msg"] == "process_completed")
    assert completed["success"] is False
    assert "no such example" in completed["output"]["error"]
