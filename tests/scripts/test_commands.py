import csv
import json
import shutil
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from bggan_core import configs
from bggan_core.configs import Phase, TrainingConfig
from bggan_core.rendering import Renderer
from scripts import benchmark, evaluate, export_model, make_pairs, render, train
from tests.bggan_core.networks import TINY


@pytest.fixture(scope="module")
def published(corpus, tmp_path_factory):
    """A run of six steps, started from another of four, and its published folder."""
    folder = tmp_path_factory.mktemp("published")
    config = {"network": TINY, "checkpoint_steps": 2, "image_steps": 10}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(configs.CONFIGS, "first", TrainingConfig(name="first", phases=(Phase(4, 1, 16, 24),), **config))
        patch.setitem(configs.CONFIGS, "second", TrainingConfig(name="second", phases=(Phase(6, 1, 16, 24),), **config))
        train.main(corpus, folder / "first", config="first")
        train.main(corpus, folder / "second", config="second", start_from=folder / "first")
    # Twelve photos leave the validation split to chance; the evaluation here draws from all of them.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_model, "never_trained_on", lambda entries, _photo_list: entries)
        export_model.main(folder / "second", corpus, to=folder / "weights", pairs=2)
    return folder / "weights"


def test_the_manifest_tells_the_whole_history(published):
    manifest = json.loads((published / "manifest.json").read_text())
    assert [(run["config"], run["steps"]) for run in manifest["training"]] == [("first", 4), ("second", 6)]
    assert {score["method"] for score in manifest["metrics"]} == {"Unprocessed photo", "Global Gaussian", "Glass-Net"}


def test_the_model_card_says_what_the_manifest_says(published):
    card = (published / "README.md").read_text()
    manifest = json.loads((published / "manifest.json").read_text())
    assert manifest["sha256"] in card
    assert manifest["evaluation"] in card
    assert "| CC0 |" in card


def test_every_training_photo_is_listed_with_its_licence(published):
    with (published / "training-photos.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["licence"] == "CC0" for row in rows)


def test_a_photo_is_rendered_from_the_command_line(published, tmp_path, rng):
    photo = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(photo)
    render.main([photo], tmp_path / "out", weights=published)
    assert _size(tmp_path / "out" / "photo.jpg") == (80, 60)
    render.main([photo], tmp_path / "beside", weights=published, beside=30)
    assert _size(tmp_path / "beside" / "photo.jpg") == (80, 30)


def _size(path):
    with Image.open(path) as picture:
        return picture.size


def test_evaluation_prints_the_protocol_beside_the_figures(published, corpus, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "never_trained_on", lambda entries, _photo_list: entries)
    evaluate.main(corpus, weights=published, count=2, height=48, width=72)
    printed = capsys.readouterr().out
    assert "2 synthetic pairs of held-out photos (seed 7), 48x72, full frame, sRGB" in printed
    assert "| Glass-Net |" in printed


def test_a_sheet_of_pairs_is_a_picture(corpus, tmp_path):
    make_pairs.main(corpus, tmp_path / "sheet.png", count=3, columns=2)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (2 * 256, 2 * 3 * 384, 3)


def test_the_benchmark_reports_ratios_to_its_first_line(capsys):
    benchmark._report({"quick": lambda: None, "slow": lambda: time.sleep(0.01)}, rounds=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("| 1.00 |")
    assert float(lines[3].split("|")[3]) > 1


def test_the_renderer_opens_what_was_published(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "copy")
    assert Renderer.from_folder(copy).working_pixels == 384 * 576
