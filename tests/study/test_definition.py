"""A study is checked whole before anything is stored."""

import io

import numpy as np
import pytest
from PIL import Image

from study.definition import read_study
from study.scale import rating_scale
from study.stimuli import encode_picture, equal_lengths, load_picture
from tests.study.pictures import write_picture


def test_a_folder_is_read_with_the_papers_scale_by_default(study_folder):
    study = read_study(study_folder, name="bokeh")
    assert study.scenes == ("bench", "harbour", "orchid")
    assert study.methods == ("glassnet", "unprocessed")
    assert study.scale.values == (0, 1, 2, 3, 4, 5)
    assert study.scale.describe() == "0-5 (0 = mostly different from the ground truth, 5 = almost identical)"


def test_files_beside_the_folders_and_hidden_ones_are_ignored(study_folder):
    (study_folder / "LICENSE").write_text("CC0")
    (study_folder / "glassnet" / ".DS_Store").write_bytes(b"x")
    assert len(read_study(study_folder, name="bokeh").pictures) == 9


def test_every_problem_is_listed_in_one_error(study_folder, rng):
    (study_folder / "glassnet" / "bench.png").unlink()
    (study_folder / "unprocessed" / "harbour.png").write_bytes(b"no picture")
    write_picture(study_folder / "glassnet" / "orchid.png", rng=rng, size=(40, 32))
    write_picture(study_folder / "glassnet" / "extra.png", rng=rng)
    (study_folder / "unprocessed" / "notes.txt").write_text("x")
    same = (study_folder / "ground_truth" / "bench.png").read_bytes()
    (study_folder / "unprocessed" / "bench.png").write_bytes(same)
    with pytest.raises(ValueError, match="problem") as failure:
        read_study(study_folder, name="Bad Name")
    message = str(failure.value)
    for part in (
        "name 'Bad Name'",
        "glassnet/: scene bench is missing",
        "glassnet/: scene extra has no ground truth",
        "unprocessed/harbour.png: cannot be read",
        "scene orchid: unequal sizes",
        "unprocessed/notes.txt: not a picture file",
        "the same picture: ground_truth/bench.png, unprocessed/bench.png",
    ):
        assert part in message
    assert "has 7 problem(s)" in message


def test_a_study_needs_ground_truth_and_a_method(tmp_path):
    with pytest.raises(ValueError, match=r"ground_truth/ is missing(.|\n)*at least one"):
        read_study(tmp_path, name="empty")


def test_the_same_pixels_in_another_file_format_are_a_duplicate(study_folder):
    with Image.open(study_folder / "ground_truth" / "bench.png") as picture:
        picture.save(study_folder / "glassnet" / "bench.webp", lossless=True)
    (study_folder / "glassnet" / "bench.png").unlink()
    with pytest.raises(ValueError, match="the same picture"):
        read_study(study_folder, name="bokeh")


def test_pictures_deeper_than_8_bits_are_refused(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="not 8 bits"):
        load_picture(tmp_path / "deep.png")


def test_orientation_is_applied_and_metadata_left_behind(tmp_path, rng):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    exif[0x010E] = "made by the secret method"
    write_picture(tmp_path / "turned.jpg", rng=rng, exif=exif)
    png = encode_picture(load_picture(tmp_path / "turned.jpg"))
    with Image.open(io.BytesIO(png)) as stimulus:
        assert stimulus.size == (32, 48)
        assert not stimulus.getexif()
        assert not stimulus.info
    assert b"secret" not in png


def test_padding_makes_lengths_equal_and_leaves_pixels(rng):
    flat = Image.new("RGB", (32, 32), "grey")
    busy = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    padded = equal_lengths({"flat": encode_picture(flat), "busy": encode_picture(busy)})
    assert len(padded["flat"]) == len(padded["busy"])
    for name, picture in (("flat", flat), ("busy", busy)):
        with Image.open(io.BytesIO(padded[name])) as decoded:
            assert decoded.tobytes() == picture.tobytes()


def test_the_study_hash_changes_with_words_scale_and_pixels(study_folder, rng):
    original = read_study(study_folder, name="bokeh").sha256
    assert read_study(study_folder, name="bokeh").sha256 == original
    assert read_study(study_folder, name="bokeh", question="Which?").sha256 != original
    assert read_study(study_folder, name="bokeh", scale=rating_scale(4)).sha256 != original
    write_picture(study_folder / "glassnet" / "bench.png", rng=rng)
    assert read_study(study_folder, name="bokeh").sha256 != original


@pytest.mark.parametrize(("maximum", "labels"), [(0, None), (11, None), (2, ["bad", "good"]), (1, ["", "good"])])
def test_scales_that_no_rater_could_read_are_refused(maximum, labels):
    with pytest.raises(ValueError, match=r"maximum|labels"):
        rating_scale(maximum, labels)
