"""Every kind of upload becomes upright sRGB pixels, or a refusal that says what to do."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.uploads import MAX_MEGAPIXELS, UploadError, check_photo, read_photo
from tests.colour_profiles import linear_srgb_profile
from tests.demo.files import gradient, png_announcing, save

ORIENTATION_TAG = 0x0112
GPS_TAG = 0x8825


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_lossless_photo_comes_out_unchanged(tmp_path: Path, suffix: str) -> None:
    """RGB without a profile is passed on bit by bit."""
    photo = read_photo(save(tmp_path / f"photo.{suffix}", gradient()))
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert photo.notes == ()


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_photo_comes_out_alike(tmp_path: Path, suffix: str) -> None:
    """JPEG and WebP are read as the same picture within their own loss."""
    photo = read_photo(save(tmp_path / f"photo.{suffix}", gradient(), quality=95))
    assert photo.rgb.dtype == np.uint8
    assert np.abs(photo.rgb.astype(int) - gradient()).mean() < 3


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, lambda stored: stored.swapaxes(0, 1)),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored, 2).swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_photo_is_turned_upright(tmp_path: Path, orientation: int, upright) -> None:
    """All eight EXIF orientations are undone, against NumPy's own turns."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    photo = read_photo(save(tmp_path / "photo.png", gradient(), exif=exif))
    np.testing.assert_array_equal(photo.rgb, upright(gradient()))


@pytest.mark.parametrize("name", ["Line", "sRGB"])
def test_embedded_profile_is_converted_to_srgb(tmp_path: Path, name: str) -> None:
    """Pixels tagged with a profile of linear light come out with sRGB's tone curve: linear .2 is 124 of 255.

    Profiles of linear light may be called sRGB too (sRGB-elle-V2-g10.icc).
    """
    linear = linear_srgb_profile(name=name)
    pixels = np.full((40, 40, 3), round(0.2 * 255), np.uint8)
    photo = read_photo(save(tmp_path / "photo.png", pixels, icc_profile=linear))
    assert np.abs(photo.rgb.astype(int) - 124).max() <= 1


def test_grey_photo_with_an_rgb_profile_is_read(tmp_path: Path) -> None:
    """Programs often tag grey pictures with the RGB profile they work in."""
    grey = np.full((40, 40), round(0.2 * 255), np.uint8)
    photo = read_photo(save(tmp_path / "photo.png", grey, icc_profile=linear_srgb_profile()))
    assert np.abs(photo.rgb.astype(int) - 124).max() <= 1


def test_damaged_profile_is_ignored_and_said(tmp_path: Path) -> None:
    """A photo is not lost over its profile, but its owner is told."""
    photo = read_photo(save(tmp_path / "photo.png", gradient(), icc_profile=b"no profile at all" * 20))
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert any("profile" in note for note in photo.notes)


def test_transparency_becomes_white_and_is_said(tmp_path: Path) -> None:
    """Fully and half transparent pixels mix with white."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, :20, 3] = 0
    pixels[:, 20:, 3] = 128
    photo = read_photo(save(tmp_path / "photo.png", pixels))
    assert (photo.rgb[:, :20] == 255).all()
    assert np.abs(photo.rgb[:, 20:].astype(int) - 127).max() <= 1
    assert photo.notes == ("Transparent areas were filled with white.",)


def test_opaque_alpha_is_dropped_in_silence(tmp_path: Path) -> None:
    """An alpha channel without transparency changes nothing."""
    opaque = np.dstack([gradient(), np.full((64, 96), 255, np.uint8)])
    photo = read_photo(save(tmp_path / "photo.png", opaque))
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert photo.notes == ()


def test_palette_with_a_transparent_colour_is_read(tmp_path: Path) -> None:
    """Palette pictures take their colours from the palette, the transparent one becomes white."""
    picture = Image.new("P", (40, 40), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    picture.paste(0, (0, 0, 20, 40))
    picture.save(tmp_path / "photo.png", transparency=0)
    photo = read_photo(tmp_path / "photo.png")
    assert (photo.rgb[:, :20] == 255).all()
    assert (photo.rgb[:, 20:] == [10, 200, 30]).all()


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    """The high byte is kept: 0x8000 is mid grey."""
    pixels = np.full((40, 40), 0x8000, np.uint16)
    photo = read_photo(save(tmp_path / "photo.png", pixels))
    assert (photo.rgb == 0x80).all()


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_photo_gets_three_equal_channels(tmp_path: Path, mode: str) -> None:
    """Bilevel and grey pictures become RGB."""
    Image.new(mode, (40, 50), 1 if mode == "1" else 77).save(tmp_path / "photo.png")
    photo = read_photo(tmp_path / "photo.png")
    assert photo.rgb.shape == (50, 40, 3)
    assert (photo.rgb == (255 if mode == "1" else 77)).all()


def test_cmyk_jpeg_is_read(tmp_path: Path) -> None:
    """Full cyan ink without a profile is Pillow's plain cyan."""
    Image.new("CMYK", (40, 40), (255, 0, 0, 0)).save(tmp_path / "photo.jpg", quality=100)
    photo = read_photo(tmp_path / "photo.jpg")
    assert np.abs(photo.rgb.astype(int) - [0, 255, 255]).max() <= 2


def test_animation_gives_its_first_frame_and_says_so(tmp_path: Path) -> None:
    """Later frames are left out, in words."""
    first, second = Image.fromarray(gradient()), Image.new("RGB", (96, 64), "black")
    first.save(tmp_path / "photo.png", save_all=True, append_images=[second])
    photo = read_photo(tmp_path / "photo.png")
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert photo.notes == ("Only the first of 2 frames was used.",)


def test_floating_point_tiff_is_refused(tmp_path: Path) -> None:
    """Scientific pictures have no agreed white; nothing is guessed."""
    with pytest.raises(UploadError, match="ordinary 8-bit"):
        read_photo(save(tmp_path / "photo.tiff", np.ones((40, 40), np.float32)))


def test_metadata_stays_behind(tmp_path: Path) -> None:
    """What leaves is pixels and sentences: no attribute could carry a place."""
    exif = Image.Exif()
    exif.get_ifd(GPS_TAG)[1] = "N"
    photo = read_photo(save(tmp_path / "photo.jpg", gradient(), exif=exif))
    assert set(vars(photo)) == {"rgb", "notes"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"This is a letter, not a photo.\n" * 9, "not a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a photo"),
        (b"GIF89a" + bytes(200), "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(200), "HEIC"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "not a photo"),
        (b"%PDF-1.7\n" + bytes(200), "JPEG, PNG, WebP or TIFF"),
    ],
    ids=["empty", "text", "svg", "gif", "heic", "broken-jpeg", "pdf"],
)
def test_file_that_is_no_photo_is_refused_by_its_header(tmp_path: Path, content: bytes, says: str) -> None:
    """The refusal names the reason, and both the check and the reading give it."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    for judge in (check_photo, read_photo):
        with pytest.raises(UploadError, match=says):
            judge(path)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (8_000, 5_001), (12_000, 9_000)])
def test_bomb_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    """A PNG of 100 bytes that announces more than 40 megapixels is never decoded."""
    path = png_announcing(tmp_path / "photo.png", width, height)
    with pytest.raises(UploadError, match=f"{MAX_MEGAPIXELS} megapixels"):
        check_photo(path)


def test_forty_megapixels_are_still_allowed(tmp_path: Path) -> None:
    """The limit includes itself."""
    check_photo(png_announcing(tmp_path / "photo.png", 8_000, 5_000))


@pytest.mark.parametrize(("width", "height"), [(70_000, 100), (100, 70_000), (16_001, 2_000), (2_000, 16_001)])
def test_picture_with_too_long_a_side_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    """7 megapixels that are 70,000 wide could be rendered but not given back: JPEG ends at 65,500 a side."""
    with pytest.raises(UploadError, match=rf"{width} . {height} pixels\. No side may be longer than 16000"):
        check_photo(png_announcing(tmp_path / "photo.png", width, height))


@pytest.mark.parametrize(("width", "height"), [(2_001, 100), (100, 2_001), (16_000, 799)])
def test_strip_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    """Beyond 20 to 1 nothing is a photo."""
    with pytest.raises(UploadError, match=r"one side is more than 20 times the other\. Please crop"):
        check_photo(png_announcing(tmp_path / "photo.png", width, height))


@pytest.mark.parametrize(("width", "height"), [(16_000, 2_500), (800, 16_000), (2_000, 100)])
def test_longest_and_narrowest_panoramas_are_still_allowed(tmp_path: Path, width: int, height: int) -> None:
    """The limits include themselves."""
    check_photo(png_announcing(tmp_path / "photo.png", width, height))


def test_tiny_picture_is_refused(tmp_path: Path) -> None:
    """Below 32 pixels a side there is no background to speak of."""
    with pytest.raises(UploadError, match="at least 32"):
        check_photo(save(tmp_path / "photo.png", gradient(31, 400)))
    check_photo(save(tmp_path / "photo.png", gradient(32, 400)))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_truncated_photo_is_refused(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    """Half a file is no photo: nothing is filled in with grey."""
    whole = save(tmp_path / f"whole.{suffix}", rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)).read_bytes()
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UploadError, match=r"damaged"):
        read_photo(path)


# Pillow warns of each damaged EXIF tag or TIFF entry it skips.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_random_damage_never_raises_anything_else(tmp_path: Path, rng: np.random.Generator) -> None:
    """300 files with 20 overwritten bytes each give pixels or an UploadError."""
    path = tmp_path / "photo"
    for suffix in ("JPEG", "PNG", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(gradient()).save(buffer, suffix, exif=Image.Exif(), icc_profile=linear_srgb_profile())
        for _ in range(75):
            damaged = bytearray(buffer.getvalue())
            for place in rng.integers(4, len(damaged), 20):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                assert read_photo(path).rgb.ndim == 3
            except UploadError:
                continue
