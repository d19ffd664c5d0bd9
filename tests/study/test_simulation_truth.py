"""What simulated raters hold to be true: by the pixels they are shown, or by a table tied to those pixels."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from study.simulation.truth import PictureTruth, read_qualities, tabled_truth
from study.stimuli import encode_picture, equal_lengths


@pytest.fixture
def pictures():
    """A textured picture, and three renderings of it that are blurred ever more, all of one length."""
    rng = np.random.default_rng(8)
    sharp = Image.fromarray(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(2))
    blurred = {f"blur {radius}": sharp.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 2, 4)}
    return equal_lengths({name: encode_picture(picture) for name, picture in {"truth": sharp, **blurred}.items()})


def test_the_ground_truth_itself_is_the_best_and_more_error_is_worse(pictures):
    truth = PictureTruth()
    qualities = [truth(pictures["truth"], picture) for picture in pictures.values()]
    assert qualities[0] == 1
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[-1] < 0.2


def test_a_table_speaks_for_the_pixels_and_pixels_for_what_it_lacks(pictures):
    stimuli = [("bench", "glassnet", pictures["blur 1"]), ("bench", "unprocessed", pictures["blur 4"])]
    truth = tabled_truth({("bench", "glassnet"): 0.1, ("bench", "unprocessed"): 0.9}, stimuli)
    with Image.open(io.BytesIO(pictures["blur 1"])) as picture:
        another_file = encode_picture(picture)
    assert another_file != pictures["blur 1"]
    assert truth(pictures["truth"], another_file) == 0.1
    assert truth(pictures["truth"], pictures["blur 4"]) == 0.9
    assert truth(pictures["truth"], pictures["truth"]) == 1


def test_an_unrelated_picture_is_the_worst():
    rng = np.random.default_rng(2)
    files = [encode_picture(Image.fromarray(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8))) for _ in range(2)]
    assert PictureTruth()(*files) == 0


def qualities(path):
    return read_qualities(path, scenes=("bench", "orchid"), methods=("a", "b"), values=(1, 2, 3, 4, 5))


def test_a_table_is_read_from_json_and_csv_in_points_of_the_scale(tmp_path):
    by_json, by_csv = tmp_path / "truth.json", tmp_path / "truth.csv"
    by_json.write_text(json.dumps({"a": 3, "b": {"bench": 1, "orchid": 5}}))
    by_csv.write_text("scene,method,quality\n,a,3\nbench,b,1\norchid,b,5\n")
    expected = {("bench", "a"): 0.5, ("orchid", "a"): 0.5, ("bench", "b"): 0, ("orchid", "b"): 1}
    assert qualities(by_json) == qualities(by_csv) == expected


def test_one_scene_may_be_named_beside_all_others(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("scene,method,quality\n,a,3\nbench,a,5\n,b,1\n")
    assert qualities(path)["bench", "a"] == 1
    assert qualities(path)["orchid", "a"] == 0.5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("truth.json", '{"a": 3}', "no quality for method b"),
        ("truth.json", '{"a": 3, "b": 2, "c": 1}', "does not have"),
        ("truth.json", '{"a": "good", "b": 2}', "form"),
        ("truth.json", "[1, 2]", "form"),
        ("truth.json", "no json", "form"),
        ("truth.csv", "scene,method\nbench,a\n", "columns"),
        ("truth.csv", "scene,method,quality\nbench,a,good\n", "columns"),
        ("truth.csv", "scene,method,quality\nharbour,a,1\n", "does not have"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        qualities(tmp_path / name)
