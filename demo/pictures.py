"""The picture files the page hands out: full-resolution downloads, previews for the slider, thumbnails.

All are baseline JPEG without metadata. Arrays are sRGB, uint8 [H, W, 3].
"""

import base64
import io
import re
import secrets
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PREVIEW_SIDE_PIXELS = 2048
THUMBNAIL_PIXELS = (384, 288)

_DOWNLOAD_QUALITY = 95
_PREVIEW_QUALITY = 88
_THUMBNAIL_QUALITY = 76
_NO_CHROMA_SUBSAMPLING = 0


def download_name(uploaded_name: str) -> str:
    """Name the result after the upload: letters, digits, - and _ of its stem, then `-bokeh.jpg`."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(uploaded_name).stem).strip("-_")[:60]
    return f"{stem}-bokeh.jpg" if stem else "bokeh.jpg"


def save_download(rgb: np.ndarray, folder: Path, name: str) -> Path:
    """Write the full-resolution result, quality 95 without chroma subsampling, where nobody can guess its address."""
    path = _unguessable_folder(folder) / name
    Image.fromarray(rgb).save(path, "JPEG", quality=_DOWNLOAD_QUALITY, subsampling=_NO_CHROMA_SUBSAMPLING)
    return path


def save_preview(rgb: np.ndarray, folder: Path, name: str) -> Path:
    """Write what the slider shows: at most 2048 px a side, since encoding 12 MP would take longer than looking."""
    picture = Image.fromarray(rgb)
    # reducing_gap lets Pillow shrink by whole factors first, 3-4 times faster on large photos.
    picture.thumbnail((PREVIEW_SIDE_PIXELS, PREVIEW_SIDE_PIXELS), Image.Resampling.LANCZOS, reducing_gap=2.0)
    path = _unguessable_folder(folder) / name
    picture.save(path, "JPEG", quality=_PREVIEW_QUALITY)
    return path


def thumbnail_data_uri(path: Path) -> str:
    """Crop a picture to the gallery's 4:3 and embed it, so that the page needs no further request for it."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    small = ImageOps.fit(upright, THUMBNAIL_PIXELS, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _unguessable_folder(parent: Path) -> Path:
    folder = parent / secrets.token_hex(32)
    folder.mkdir(parents=True)
    return folder
