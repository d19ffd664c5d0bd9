"""A study is checked whole before anything is stored."""

import io
import json

import numpy as np
import pytest
import yaml
from PIL import Image

from study.definition import read_study, read_study_file
from study.scale import rating_scale
from study.stimuli import content_sha256, encode_picture, equal_lengths, load_picture, mark_picture
from tests.colour_profiles import lab_profile, linear_srgb_profile
from tests.study.pictures import write_picture, write_study_folder


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


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGBA", {}), ("L", {}), ("LA", {}), ("P", {}), ("P", {"transparency": b"\xff" * 256})],
    ids=["RGB", "RGBA", "L", "LA", "P", "P with opaque colours"],
)
def test_embedded_colours_become_srgb_in_every_kind_of_picture(tmp_path, mode, options):
    """Linear .2 is 124 of sRGB's 255; a method must not look darker for an alpha channel or a palette."""
    picture = Image.new("RGB", (40, 30), (51, 51, 51)).convert(mode)
    picture.save(tmp_path / "tagged.png", icc_profile=linear_srgb_profile(), **options)
    np.testing.assert_allclose(np.asarray(load_picture(tmp_path / "tagged.png"), int), 124, atol=1)


def test_a_colour_profile_that_cannot_be_used_is_a_problem_like_others(study_folder, rng):
    """Colours taken for what they are not would be judged as the method's."""
    write_picture(study_folder / "glassnet" / "bench.png", rng=rng, icc_profile=b"no profile at all" * 20)
    write_picture(study_folder / "unprocessed" / "orchid.png", rng=rng, icc_profile=lab_profile())
    with pytest.raises(ValueError, match="has 2 problem") as failure:
        read_study(study_folder, name="bokeh")
    for name in ("glassnet/bench.png", "unprocessed/orchid.png"):
        assert f"{name}: has a colour profile that cannot be used" in str(failure.value)


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


def test_marks_make_equal_pictures_unequal_files_of_one_length_and_leave_pixels(rng):
    picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    stored = encode_picture(picture)
    files = {mark_picture(stored, token=token) for token in ("aA", "bB", "aA")}
    assert len(files) == 2
    assert len({len(file) for file in files}) == 1
    for file in files:
        with Image.open(io.BytesIO(file)) as decoded:
            decoded.verify()  # reads every chunk's checksum
        with Image.open(io.BytesIO(file)) as decoded:
            assert decoded.tobytes() == picture.tobytes()
            assert decoded.info == {}


def test_a_files_content_is_told_by_its_pixels_and_not_by_padding_and_marks(rng):
    busy = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    files = {"flat": encode_picture(Image.new("RGB", (32, 32), "grey")), "busy": encode_picture(busy)}
    padded = equal_lengths(files)
    assert content_sha256(files["flat"]) != content_sha256(files["busy"])
    for name, file in files.items():
        assert content_sha256(mark_picture(padded[name], token="a")) == content_sha256(file)


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


# Study files


def study_file(tmp_path, content, **folder):
    source = write_study_folder(tmp_path / "source", **folder)
    path = source / "study.yaml"
    path.write_text(content)
    return path


def problems_of(path):
    with pytest.raises(ValueError, match="problem") as refusal:
        read_study_file(path)
    return str(refusal.value)


FULL = """
name: full
mode: rating
languages: [en, de]
title: {en: A title, de: Ein Titel}
scale: {lowest: 1, labels: {en: [bad, "", good], de: [schlecht, "", gut]}}
methods: [glassnet]
anchors: [unprocessed]
scenes: [bench, harbour]
extra_scenes: [orchid]
hidden_reference: original
practice:
  - {scene: orchid, method: glassnet, expected: [1, 2]}
gold:
  - {scene: bench, method: unprocessed, accepted: [1, 2]}
  - {scene: orchid, method: ground_truth, accepted: [3, 3]}
gold_per_visit: 1
repeats_per_visit: 1
trials_per_visit: 3
votes_wanted: 15
entry: invited
"""


def test_a_study_file_says_everything(tmp_path):
    study = read_study_file(study_file(tmp_path, FULL))
    assert (study.scenes, study.methods) == (("bench", "harbour"), ("glassnet", "original"))
    assert (study.extra_scenes, study.extra_methods) == (("orchid",), ("ground_truth", "unprocessed"))
    assert study.words["de"].title == "Ein Titel"
    assert study.words["de"].scale_labels == ("schlecht", "", "gut")
    assert study.scale.values == (1, 2, 3)
    assert study.practice[0].accepted == (1, 2)
    assert study.gold[1].accepted == (3,)
    assert study.invitation_required
    shown = {(picture.scene, picture.method) for picture in study.pictures}
    assert {("bench", "original"), ("harbour", "original"), ("orchid", "ground_truth")} <= shown
    assert ("harbour", "unprocessed") not in shown


def test_json_is_a_study_file_too(tmp_path):
    path = study_file(tmp_path, "").with_suffix(".json")
    path.write_text(json.dumps({"name": "small", "mode": "pairwise", "ties": True}))
    study = read_study_file(path)
    assert (study.mode, study.scale, study.ties_allowed, study.trials_per_visit) == ("pairwise", None, True, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ties: true", "ties belongs to mode pairwise"),
        ("mode: pairwise", "scale belongs to mode rating; a pairwise study has ties: true or false; practice and gold"),
        ("colour: red", "colour: Extra inputs are not permitted"),
        ("name: Full", "name 'Full': use a-z"),
        ("languages: [en, fr]", "title: no text in fr"),
        ("languages: [en, fr]", "scale.labels: no labels in fr"),
        ("scale: {labels: {en: [bad, good], de: [schlecht, mittel, gut]}}", "different numbers of labels"),
        ("scale: {labels: {en: [bad, ''], de: [schlecht, '']}}", "worst and the best value must not be empty"),
        ("scale: {labels: {en: [bad, good], de: [schlecht, gut]}}", "practice.0: answers [2] cannot be given"),
        ("anchors: [nowhere]", "nowhere/ is missing"),
        ("anchors: []", "gold.0: unprocessed is neither in methods nor in anchors"),
        ("methods: [glassnet, unprocessed]\nanchors: []", "gold.0: is asked in the design too"),
        ("scenes: [bench, nowhere]", "ground_truth/: scene nowhere is missing"),
        ("hidden_reference: glassnet", "this name stands for the ground truth itself"),
        ("trials_per_visit: 5", "trials_per_visit is 5, but the design has 4 cells"),
        ("repeats_per_visit: 4", "repeats_per_visit is 4, more than the trials of a visit"),
        ("gold_per_visit: 3", "gold_per_visit is 3, but there are 2 gold items"),
        ("votes_wanted: 0", "votes_wanted: Input should be greater than or equal to 1 (got 0)"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, line, says):
    fields = {**yaml.safe_load(FULL), **yaml.safe_load(line)}
    assert says in problems_of(study_file(tmp_path, yaml.safe_dump(fields)))


def test_all_problems_of_a_file_are_listed_at_once(tmp_path):
    fields = {**yaml.safe_load(FULL), "trials_per_visit": 9, "gold_per_visit": 9, "languages": ["en", "fr"]}
    path = study_file(tmp_path, yaml.safe_dump(fields))
    (path.parent / "glassnet" / "bench.png").unlink()
    listed = problems_of(path)
    for problem in ("scene bench is missing", "trials_per_visit", "gold_per_visit", "title: no text in fr"):
        assert problem in listed


def test_the_ground_truth_as_a_methods_folder_is_a_mistake_unless_it_is_the_hidden_reference(tmp_path):
    path = study_file(tmp_path, "name: copied\n")
    truth = path.parent / "ground_truth" / "bench.png"
    (path.parent / "glassnet" / "bench.png").write_bytes(truth.read_bytes())
    assert "name a hidden_reference" in problems_of(path)


def test_every_word_and_number_of_a_file_is_part_of_its_hash(tmp_path):
    path = study_file(tmp_path, FULL)
    first = read_study_file(path).sha256
    assert read_study_file(path).sha256 == first
    for change in ({"votes_wanted": 16}, {"consent": {"version": "2"}}, {"title": {"en": "A", "de": "B"}}):
        path.write_text(yaml.safe_dump({**yaml.safe_load(FULL), **change}))
        assert read_study_file(path).sha256 != first


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    path = tmp_path / "study.yaml"
    with pytest.raises(ValueError, match="cannot be read"):
        read_study_file(path)
    path.write_text("- only a list")
    with pytest.raises(ValueError, match="must hold fields"):
        read_study_file(path)
