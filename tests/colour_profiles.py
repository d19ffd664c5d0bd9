"""Colour profiles for pictures of the tests, made on the spot."""

from PIL import ImageCms


def linear_srgb_profile(*, name: str = "Line") -> bytes:
    """sRGB's primaries with a straight tone curve: an sRGB profile whose three curves are replaced.

    Args:
        name: What the profile calls itself, in four letters; the rest of the name stays sRGB's.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    for entry in range(count):
        tag = profile[132 + 12 * entry : 144 + 12 * entry]
        if tag[:4] in (b"rTRC", b"gTRC", b"bTRC"):
            start = int.from_bytes(tag[4:8])
            # 'curv' with no entries is the identity (ICC.1:2010, 10.5).
            profile[start : start + 12] = b"curv" + bytes(8)
        if tag[:4] == b"desc":
            start = int.from_bytes(tag[4:8])
            place = profile.find("sRGB".encode("utf-16-be"), start)
            profile[place : place + 8] = name.encode("utf-16-be")
    return bytes(profile)


def lab_profile() -> bytes:
    """A sound profile of colours that no red, green and blue numbers are."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
