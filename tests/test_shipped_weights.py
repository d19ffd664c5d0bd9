"""What the repository ships is a trained network, and a stranger's photo gets bokeh from it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bggan_core.evaluation import Estimate
from bggan_core.export import convert_to_tflite
from bggan_core.glassnet import GlassNetConfig, build_glassnet
from bggan_core.metrics import psnr
from bggan_core.rendering import Renderer
from tests.bggan_core.networks import randomise

ROOT = Path(__file__).parent.parent


def _picture(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _gain_over_the_photo(renderer):
    """PSNR to the example study's ground truth, minus the unprocessed photo's: mean over its scenes, in dB."""
    gains = []
    for path in sorted((ROOT / "examples" / "study" / "ground_truth").iterdir()):
        truth = _picture(path).astype(np.float32) / 255
        photo = _picture(ROOT / "examples" / "study" / "unprocessed" / path.name)
        rendering = renderer.render(photo).astype(np.float32) / 255
        gains.append(psnr(rendering, truth) - psnr(photo.astype(np.float32) / 255, truth))
    return np.mean(gains)


def _is_trained(renderer):
    return _gain_over_the_photo(renderer) > 0.5


@pytest.fixture(scope="module")
def shipped():
    return Renderer.from_folder(ROOT / "weights")


def test_the_shipped_network_is_trained(shipped):
    assert _is_trained(shipped)


def test_manifest_and_card_give_the_same_scores():
    manifest = json.loads((ROOT / "weights" / "manifest.json").read_text(encoding="utf-8"))
    card = (ROOT / "weights" / "README.md").read_text(encoding="utf-8")
    assert manifest["evaluation"].strip() in card
    (scores,) = (each["estimates"] for each in manifest["metrics"] if each["method"] == "Glass-Net")
    (row,) = (line for line in card.splitlines() if line.startswith("| Glass-Net |"))
    for measure, digits in (("psnr_db", 2), ("ssim", 4), ("perceptual", 4), ("fitted_gain_db", 2)):
        assert Estimate(**scores[measure]).format(digits) in row


@pytest.mark.parametrize("weights", ["as initialised", "random"])
def test_an_untrained_network_is_not_taken_for_a_trained_one(weights, rng):
    config = GlassNetConfig(stage1_channels=4, stage2_channels=4, residual_blocks=2, output="residual")
    network = build_glassnet(config)
    if weights == "random":
        randomise(network, rng)
    assert not _is_trained(Renderer(convert_to_tflite(network, config), working_pixels=384 * 576))


def _detail(picture, box):
    """Gradient energy in a box (left, top, right, bottom) given in pixels."""
    left, top, right, bottom = box
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)).mean()


def test_a_photo_of_6_megapixels_keeps_its_size_and_its_subject_and_loses_its_background(shipped):
    """`dogs.jpg`, 2000 x 3000, never trained on: the dogs' faces against the boards of the house behind them."""
    photo = _picture(ROOT / "examples" / "dogs.jpg")
    rendering = shipped.render(photo)
    assert rendering.shape == photo.shape == (3000, 2000, 3)
    for face in ((717, 717, 967, 1133), (1033, 1367, 1233, 1733)):
        assert _detail(rendering, face) > 0.9 * _detail(photo, face)
    boards = (1150, 150, 1950, 1350)
    assert _detail(rendering, boards) < 0.5 * _detail(photo, boards)
