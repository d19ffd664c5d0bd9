"""`python app.py` as a stranger starts it: shipped weights, examples and study, no network."""

from pathlib import Path

import httpx
import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from tests.demo.serving import ROOT, attempts_of, running_shipped_app

PHOTO = ROOT / "examples" / "bust.jpg"


def test_shipped_app_renders_a_photo_and_keeps_nothing(tmp_path: Path) -> None:
    """A photo comes back at its size with bokeh, the study is open, nothing was sent out, no photo is left."""
    with running_shipped_app(tmp_path) as address:
        client = Client(address, download_files=str(tmp_path / "results"), httpx_kwargs={"timeout": 300}, verbose=False)
        rendered = _pixels(client.predict(photo=handle_file(PHOTO), api_name="/render"))
        study = httpx.get(f"{address}/study", follow_redirects=True, timeout=300)
    photo = _pixels(PHOTO)
    assert rendered.shape == photo.shape
    # Encoding the photo itself anew as the download is (JPEG, quality 95) changes it by 0.8 grey levels.
    assert np.abs(rendered - photo).mean() > 2
    assert study.status_code == 200
    assert attempts_of(tmp_path) == ""
    assert list((tmp_path / "var" / "photos-in-work").iterdir()) == []


def _pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)
