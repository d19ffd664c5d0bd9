"""What the page hands out is full-size, harmlessly named and free of metadata."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.pictures import download_name, save_download, save_preview
from tests.demo.files import gradient


@pytest.mark.parametrize(
    ("uploaded", "name"),
    [
        ("holiday.png", "holiday-bokeh.jpg"),
        ("My Photo (1).JPG", "My-Photo-1-bokeh.jpg"),
        ("../../etc/passwd", "passwd-bokeh.jpg"),
        ("写真.jpg", "bokeh.jpg"),
        ("", "bokeh.jpg"),
        ("a" * 300 + ".jpg", "a" * 60 + "-bokeh.jpg"),
    ],
)
def test_download_is_named_after_the_upload(uploaded: str, name: str) -> None:
    """Only letters, digits, - and _ of the stem are kept."""
    assert download_name(uploaded) == name


def test_download_keeps_size_and_colour_resolution(tmp_path: Path) -> None:
    """The download is a full-size JPEG whose colour is not subsampled, without EXIF."""
    path = save_download(gradient(201, 101), tmp_path, "x.jpg")
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("JPEG", (201, 101))
        assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3
        assert not picture.getexif()
        assert np.abs(np.asarray(picture).astype(int) - gradient(201, 101)).mean() < 1.5


@pytest.mark.parametrize(("size", "shown"), [((4000, 1000), (2048, 512)), ((300, 200), (300, 200))])
def test_preview_is_bounded_and_never_enlarged(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    """At most 2048 pixels a side."""
    with Image.open(save_preview(gradient(*size), tmp_path, "x.jpg")) as picture:
        assert picture.size == shown


def test_results_lie_where_nobody_can_guess(tmp_path: Path) -> None:
    """Equal results get unequal addresses of 256 random bits."""
    first, second = (save_download(gradient(), tmp_path, "x.jpg") for _ in range(2))
    assert first.parent != second.parent
    assert len(first.parent.name) == 64
