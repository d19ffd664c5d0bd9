"""Embedded colour profiles: what the numbers of a picture file mean, said in sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

_ROUNDING_LEVELS = 1
_PROBE_LEVELS = 18  # of each channel: every 15th of 0 to 255


def convert_to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Carry a picture from the colours of its embedded profile to sRGB.

    Args:
        picture: Mode L, RGB or CMYK.
        profile: ICC profile, as it stands in the file.
    Returns:
        Mode RGB; an RGB picture as it is where the profile is sRGB's own.
    Raises:
        ValueError: the profile cannot be read, or is one of other colours than the picture's.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if picture.mode == "L" and source.profile.xcolor_space == "RGB ":
            picture = picture.convert("RGB")  # grey pictures often carry the RGB profile of the program that made them
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            picture.mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise ValueError(f"the profile cannot be used for a picture of mode {picture.mode} ({error})") from error
    return picture if picture.mode == "RGB" and _only_rounds(transform) else transform.apply(picture)


def _only_rounds(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform from RGB to RGB moves no colour by more than rounding, as those from sRGB do.

    The profile's name does not tell: sRGB-elle-V2-g10.icc is one of linear light.
    """
    levels = np.linspace(0, 255, _PROBE_LEVELS).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(_PROBE_LEVELS, -1, 3)
    moved = np.abs(np.asarray(transform.apply(Image.fromarray(probe))).astype(int) - probe)
    return bool(moved.max() <= _ROUNDING_LEVELS)
