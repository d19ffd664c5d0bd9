"""Turn an uploaded file into pixels, or say in plain words why that cannot be done.

A file is judged by its header before a single pixel is decoded, so a small file that announces a huge picture costs
nothing. What comes out is upright, sRGB and 8 bits a channel; metadata (place, camera, time) never leaves this module.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bggan_core.colour_profiles import convert_to_srgb

READABLE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
MAX_MEGAPIXELS = 40
MIN_SIDE_PIXELS = 32
MAX_SIDE_PIXELS = 16_000  # JPEG, in which results are given, ends at 65,500 a side
MAX_SIDE_RATIO = 20

_CHOOSE = "Please choose a JPEG, PNG, WebP or TIFF photo."
# ISO base media brands of HEIC and AVIF, bytes 8-12 of the file (ISO/IEC 23008-12, annex B).
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
# Pillow's decoders raise all of these on damaged files; which one depends on the byte that is wrong.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
_ALPHA_MODES = {"RGBA", "LA", "PA", "RGBa", "La"}
_PLAIN_MODES = {"RGB", "L", "CMYK"}


class UploadError(ValueError):
    """The file is no photo this page can render; the message tells a visitor what to do."""


@dataclass(frozen=True)
class Photo:
    """An uploaded photo, ready to render.

    Attributes:
        rgb: Upright sRGB pixels, uint8 [H, W, 3], read-only.
        notes: What was changed on the way in, as sentences for the visitor.
    """

    rgb: np.ndarray
    notes: tuple[str, ...] = ()


def check_photo(path: Path) -> None:
    """Refuse by the header alone what `read_photo` would refuse for its kind or size.

    Raises:
        UploadError: the file is empty, of another kind, too large, too small or too narrow a strip.
    """
    with _open_checked(path):
        pass


def read_photo(path: Path) -> Photo:
    """Decode one photo: first frame, upright, sRGB, transparency on white.

    Raises:
        UploadError: as `check_photo`, or the file is truncated or damaged.
    """
    with _open_checked(path) as image:
        frames = 1 if image.format == "MPO" else _frame_count(image)
        try:
            image.load()
            upright = ImageOps.exif_transpose(image)
        except _DAMAGE as error:
            raise UploadError(
                "This file is damaged or incomplete: it could not be read to its end. Please upload it again."
            ) from error
    frame_notes = (f"Only the first of {frames} frames was used.",) if frames > 1 else ()
    coloured, colour_notes = _to_srgb(_to_eight_bits(upright))
    opaque, alpha_notes = _flatten(coloured)
    return Photo(rgb=np.asarray(opaque), notes=frame_notes + colour_notes + alpha_notes)


def pixel_size(width: int, height: int) -> str:
    """Say a picture's size as visitors read it."""
    return f"{width} \N{MULTIPLICATION SIGN} {height} pixels"


def _open_checked(path: Path) -> Image.Image:
    """Read the header and judge kind and size; no pixel is decoded."""
    if path.stat().st_size == 0:
        raise UploadError(f"This file is empty (0 bytes). {_CHOOSE}")
    try:
        image = Image.open(path, formats=READABLE_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UploadError(_too_large("far more than")) from error
    except _DAMAGE as error:
        raise UploadError(_unreadable(path)) from error
    try:
        _check_size(*image.size)
    except UploadError:
        image.close()
        raise
    return image


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UploadError(_too_large(f"{pixel_size(width, height)}, more than"))
    if min(width, height) < MIN_SIDE_PIXELS:
        raise UploadError(
            f"This picture is only {pixel_size(width, height)}. Each side needs at least {MIN_SIDE_PIXELS}; "
            "please choose a larger one."
        )
    if max(width, height) > MAX_SIDE_PIXELS:
        raise UploadError(
            f"This picture is {pixel_size(width, height)}. No side may be longer than {MAX_SIDE_PIXELS}; "
            "please crop it or make it smaller."
        )
    if max(width, height) > MAX_SIDE_RATIO * min(width, height):
        raise UploadError(
            f"This picture is {pixel_size(width, height)}: one side is more than {MAX_SIDE_RATIO} times the other. "
            "Please crop it."
        )


def _too_large(amount: str) -> str:
    return f"This picture has {amount} the {MAX_MEGAPIXELS} megapixels allowed. Please make it smaller and try again."


def _unreadable(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "HEIC and AVIF photos cannot be read yet. Please export the photo as JPEG and try again."
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return f"GIF pictures are not supported. {_CHOOSE}"
    return f"This file is not a photo, or it is damaged. {_CHOOSE}"


def _frame_count(image: Image.Image) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except _DAMAGE:
        return 1  # a broken later frame does not spoil the first, which is the one rendered


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Bring rare pixel layouts to L, RGB, CMYK or one of their forms with alpha."""
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling.
        eight = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
        eight.info = dict(image.info)
        eight.info.pop("transparency", None)
        return eight
    if image.mode in ("I", "F", "LAB", "HSV"):
        raise UploadError(
            "This picture stores its colours in a scientific or print format that cannot be read here. "
            "Please export it as an ordinary 8-bit JPEG or PNG."
        )
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        return image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
    return image if image.mode in _PLAIN_MODES else image.convert("L" if image.mode == "1" else "RGB")


def _to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert from the embedded colour profile; without one the numbers are taken as sRGB, as browsers do."""
    profile_bytes = image.info.get("icc_profile")
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha is not None else image
    notes: tuple[str, ...] = ()
    if profile_bytes:
        try:
            colours = convert_to_srgb(colours, profile_bytes)
        except ValueError:
            notes = ("Its colour profile cannot be used, so its colours were taken as sRGB.",)
    colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours, notes


def _flatten(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Lay transparent pixels on white, and say so where there were any."""
    if image.mode != "RGBA":
        return image, ()
    if image.getextrema()[3][0] == 255:
        return image.convert("RGB"), ()
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB"), ("Transparent areas were filled with white.",)
