"""Uploads of every kind, made on the spot."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def gradient(width: int = 96, height: int = 64) -> np.ndarray:
    """A smooth picture that survives JPEG: red grows to the right, green downwards, blue is constant."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, np.full_like(across, 128)], axis=-1).round().astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Write pixels in the format of the path's suffix."""
    Image.fromarray(pixels).save(path, **options)
    return path


def png_announcing(path: Path, width: int, height: int) -> Path:
    """Write a PNG of a few bytes whose header announces any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks))
    return path


def write_examples(folder: Path, *, count: int = 6) -> Path:
    """Write example photos with their manifest."""
    folder.mkdir(parents=True)
    entries = []
    for number in range(count):
        save(folder / f"example{number}.jpg", np.roll(gradient(320, 240), 40 * number, axis=1))
        entries.append(
            {
                "file": f"example{number}.jpg",
                "title": f"Example {number}",
                "author": "Ada <Lovelace>",
                "licence": "CC0 1.0",
                "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
                "source": "https://example.org/photo (scaled)",
            }
        )
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
