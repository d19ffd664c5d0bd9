"""Published weights are a place to start training from."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from bggan_core.checkpoints import read_history
from bggan_core.configs import Phase, TrainingConfig
from bggan_core.export import publish_weights
from bggan_core.glassnet import build_glassnet
from bggan_core.published import average_with_start, load_published
from bggan_core.training import Trainer
from tests.bggan_core.networks import TINY
from tests.bggan_core.pair_sources import GeneratedPairs

CONFIG = TrainingConfig(name="tiny", phases=(Phase(1, 1, 16, 24),), network=TINY)
HISTORY = [{"config": "tiny", "stage": "a", "steps": 7, "samples": 7, "hours": 0.1}]


@pytest.fixture
def weights(tiny_network, tmp_path):
    """A published folder, with the list of photos that an export writes."""
    folder = tmp_path / "weights"
    record = {"config": dataclasses.asdict(CONFIG), "training": HISTORY}
    publish_weights(tiny_network, TINY, folder, record=record, working_pixels=64 * 64)
    (folder / "training-photos.csv").write_text("name,licence,attribution,source\nan_earlier_photo,CC0,x,y\n")
    return folder


def test_every_weight_comes_back_to_float16s_precision(weights, tiny_network):
    network, config, history = load_published(weights)
    assert (config, history) == (TINY, HISTORY)
    for read, written in zip(network.get_weights(), tiny_network.get_weights(), strict=True):
        np.testing.assert_allclose(read, written, rtol=2**-11, atol=1e-6)


def test_a_run_that_starts_from_it_has_its_history_and_its_photos(weights, tmp_path):
    pairs = GeneratedPairs(3)
    trainer = Trainer(CONFIG, run=tmp_path / "run", train_pairs=pairs, validation_pairs=pairs)
    trainer.start_from(weights)
    np.testing.assert_array_equal(trainer.network.get_weights()[0], load_published(weights)[0].get_weights()[0])
    trainer.train()
    assert [run["steps"] for run in read_history(tmp_path / "run")] == [7, 1]
    assert "an_earlier_photo" in (tmp_path / "run" / "earlier-photos.txt").read_text()


def test_it_has_no_best_checkpoint(weights, tmp_path):
    pairs = GeneratedPairs(3)
    trainer = Trainer(CONFIG, run=tmp_path / "run", train_pairs=pairs, validation_pairs=pairs)
    with pytest.raises(ValueError, match="leave out --best"):
        trainer.start_from(weights, best=True)


def test_a_file_without_the_layers_of_its_manifest_is_refused(weights):
    path = weights / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["network"]["residual_blocks"] = 3
    path.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="holds 0 weights for"):
        load_published(weights)


def test_the_mean_of_a_run_and_its_start_lies_halfway_between_both(weights, tiny_network):
    start = load_published(weights)[0].get_weights()
    network = keras.models.clone_model(tiny_network)
    network.set_weights([weight + 1 for weight in start])
    sha256 = average_with_start(network, [*HISTORY, {"config": "longer"}], weights)
    assert sha256 == json.loads((weights / "manifest.json").read_text())["sha256"]
    for mean, own in zip(network.get_weights(), start, strict=True):
        np.testing.assert_allclose(mean, own + 0.5, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "training", [HISTORY, [{"config": "another"}, {"config": "longer"}], [*HISTORY, *HISTORY, {"config": "longer"}]]
)
def test_weights_of_networks_that_were_trained_apart_have_no_mean(weights, tiny_network, training):
    before = tiny_network.get_weights()
    with pytest.raises(ValueError, match=r"did not start from the network in .*, whose last run is 'tiny'"):
        average_with_start(tiny_network, training, weights)
    for now, then in zip(tiny_network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_run_that_widened_its_start_has_no_mean_with_it(weights):
    wider = build_glassnet(dataclasses.replace(TINY, stage2_channels=2 * TINY.stage2_channels))
    with pytest.raises(ValueError, match="widened the network in"):
        average_with_start(wider, [*HISTORY, {"config": "longer"}], weights)
