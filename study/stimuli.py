"""Pictures as raters receive them: pixels only, equal in container, size and length, kept by content.

Source pictures come in many forms. What a rater's browser gets is always an 8-bit sRGB PNG without metadata, padded
to the length of the longest picture of its scene, so that nothing but the pixels tells one method from another.
PNG because it is lossless: raters judge what the method made, not what a second JPEG made of it.

On its way out each file gets a mark of its own (`mark_picture`), so that no two files are equal where two pictures
are: a hidden reference and the ground truth, a repeat and its first showing. Their pixels stay equal, as the page shows
to the eye anyway. Noise of one level on every value would not hide it (docs/study.md has the figures).
"""

import hashlib
import io
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps

from bggan_core.colour_profiles import convert_to_srgb

MEDIA_TYPE = "image/png"
LARGEST_PIXELS = 40_000_000
_EIGHT_BIT_MODES = frozenset({"L", "LA", "P", "RGB", "RGBA", "CMYK"})
_IEND_LENGTH = 12  # an empty chunk: length, name, checksum
_PADDING_CHUNK = b"paDd"  # lower-case first and second letter: ancillary, private; decoders skip it
_SIGNATURE_LENGTH = 8
# Measured on a 640x640 photo: level 3 takes .05 s and 661 KB, level 6 (the default) .15 s and 770 KB.
_COMPRESS_LEVEL = 3

Key = TypeVar("Key")


def load_picture(path: Path) -> Image.Image:
    """Decode a source picture as upright 8-bit sRGB.

    Raises:
        ValueError: not a picture, broken, larger than 40 megapixels, deeper than 8 bits, partly transparent, or with a
            colour profile that cannot be used.
    """
    try:
        with Image.open(path) as source:
            _refuse_unsuitable(source)
            source.load()
            upright = ImageOps.exif_transpose(source)
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"cannot be read as a picture ({error})") from error
    if upright.has_transparency_data and upright.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        raise ValueError("is partly transparent")
    return _to_srgb(upright)


def _refuse_unsuitable(source: Image.Image) -> None:
    """Refuse by the header alone, before any pixel is decoded."""
    if source.width * source.height > LARGEST_PIXELS:
        raise ValueError(f"is {source.width}x{source.height}, larger than {LARGEST_PIXELS // 10**6} megapixels")
    if source.mode not in _EIGHT_BIT_MODES:
        raise ValueError(f"has mode {source.mode}, which is not 8 bits per channel")


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Leave the alpha channel, which is opaque, expand a palette, and carry embedded colours to sRGB."""
    if picture.mode in {"P", "RGBA"}:
        colours = picture.convert("RGBA").convert("RGB")  # Pillow warns where a palette with alpha skips RGBA
    else:
        colours = picture.convert("L") if picture.mode == "LA" else picture
    profile = picture.info.get("icc_profile")
    if not profile:
        return colours.convert("RGB")
    try:
        return convert_to_srgb(colours, profile)
    except ValueError as error:
        raise ValueError(
            f"has a colour profile that cannot be used: convert the picture to sRGB, or drop the profile ({error})"
        ) from error


def pixel_sha256(picture: Image.Image) -> str:
    """Name a picture by its size and pixels, so that two files with the same pixels are the same picture."""
    digest = hashlib.sha256(f"{picture.width}x{picture.height}\n".encode())
    digest.update(picture.tobytes())
    return digest.hexdigest()


def encode_picture(picture: Image.Image) -> bytes:
    """Write the pixels, and nothing else, as PNG."""
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())
    buffer = io.BytesIO()
    bare.save(buffer, format="PNG", compress_level=_COMPRESS_LEVEL)
    return buffer.getvalue()


def equal_lengths(pictures: Mapping[Key, bytes]) -> dict[Key, bytes]:
    """Pad PNG files to one length by an ancillary chunk of zeros, which decoders skip."""
    target = max(len(png) for png in pictures.values()) + _IEND_LENGTH
    return {key: _padded(png, target) for key, png in pictures.items()}


def _padded(png: bytes, length: int) -> bytes:
    """Insert one padding chunk in front of the end chunk."""
    return _with_chunk(png, bytes(length - len(png) - _IEND_LENGTH))


def mark_picture(png: bytes, *, token: str) -> bytes:
    """Make a file unlike all others of the same picture, by a chunk that follows from its address and tells no more."""
    return _with_chunk(png, hashlib.sha256(token.encode()).digest())


def content_sha256(png: bytes) -> str:
    """Name a file by its header and its compressed pixels alone, whatever pads or marks it."""
    digest, at, name = hashlib.sha256(), _SIGNATURE_LENGTH, b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", png, at)
        if name in {b"IHDR", b"IDAT"}:
            digest.update(png[at + 8 : at + 8 + length])
        at += 12 + length
    return digest.hexdigest()


def _with_chunk(png: bytes, content: bytes) -> bytes:
    """Insert a chunk that decoders skip in front of the end chunk."""
    checksum = zlib.crc32(_PADDING_CHUNK + content)
    chunk = struct.pack(">I", len(content)) + _PADDING_CHUNK + content + struct.pack(">I", checksum)
    return png[:-_IEND_LENGTH] + chunk + png[-_IEND_LENGTH:]


class StimulusFolder:
    """Keeps stimuli under the sha256 of their bytes, so that a stored picture never changes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, content: bytes) -> str:
        """Store the bytes durably and return the name to read them by; storing twice is storing once."""
        name = hashlib.sha256(content).hexdigest()
        path = self._path(name)
        if path.exists():
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        return name

    def read(self, name: str) -> bytes:
        """Return the bytes stored under this sha256.

        Raises:
            FileNotFoundError: nothing was stored under it.
        """
        return self._path(name).read_bytes()

    def holds(self, name: str) -> bool:
        """Whether the bytes stored under this sha256 are there and unchanged."""
        path = self._path(name)
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == name

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / f"{name}.png"
