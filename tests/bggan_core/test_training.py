import csv
import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bggan_core.configs import CONFIGS, Phase, TrainingConfig, load_config, save_config
from bggan_core.data.corpus import read_manifest
from bggan_core.data.synthetic import PairMaker
from bggan_core.training import StageATrainer, TrainingDivergedError, load_trained, open_loss_log, read_history
from tests.bggan_core.networks import TINY

ROOT = Path(__file__).resolve().parents[2]

CONFIG = TrainingConfig(
    name="tiny",
    network=TINY,
    phases=(Phase(6, 2, 16, 24), Phase(34, 1, 24, 32)),
    learning_rate=2e-3,
    final_learning_rate=1e-3,
    warmup_steps=2,
    clip_norm=1.0,
    checkpoint_steps=4,
    image_steps=20,
)


def _trainer(corpus, run, config=CONFIG):
    pairs = PairMaker(corpus, read_manifest(corpus), recipe=config.pairs, seed=config.seed)
    return StageATrainer(config, run=run, train_pairs=pairs, validation_pairs=pairs)


def _losses(run):
    with (run / "losses.csv").open() as file:
        return {int(row["step"]): row["total"] for row in csv.DictReader(file) if row["total"]}


def test_training_lowers_the_loss_and_leaves_a_run_that_loads(corpus, tmp_path):
    config = dataclasses.replace(CONFIG, phases=(Phase(120, 2, 16, 24),), checkpoint_steps=60)
    progress = _trainer(corpus, tmp_path, config).train()
    losses = [float(loss) for loss in _losses(tmp_path).values()]
    assert len(losses) == 120
    assert np.mean(losses[-30:]) < np.mean(losses[:30])
    network, loaded, seen = load_trained(tmp_path)
    assert loaded == config
    assert seen.steps == progress.steps == 120
    assert seen.samples == 240
    assert any(weight.any() for weight in network.get_layer("stage2_output").get_weights())
    assert list(tmp_path.glob("events.out.tfevents.*"))


_CHILD = """
import os, signal, sys
from pathlib import Path
from tests.bggan_core.test_training import KILLED, _trainer
trainer = _trainer(Path(sys.argv[1]), Path(sys.argv[2]), KILLED[sys.argv[4]])
killed_at = int(sys.argv[3])
if killed_at:
    report = trainer._report
    def report_or_die(step, terms):
        if step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        report(step, terms)
    trainer._report = report_or_die
trainer.train()
"""


def _train_in_a_child(corpus, run, *, network, killed_at=0):
    command = [sys.executable, "-c", _CHILD, str(corpus), str(run), str(killed_at), network]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


KILLED = {
    "tiny": CONFIG,
    "small": dataclasses.replace(CONFIG, network=CONFIGS["small"].network, phases=(Phase(14, 2, 128, 192),)),
}


@pytest.mark.parametrize("network", ["tiny", pytest.param("small", marks=pytest.mark.long)])
def test_after_kill_9_the_next_step_has_the_identical_loss(corpus, tmp_path, network):
    """The killed run continues at its last checkpoint; every step's loss is an undisturbed run's, digit for digit."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert _train_in_a_child(corpus, whole, network=network) == 0
    assert _train_in_a_child(corpus, killed, network=network, killed_at=11) == -signal.SIGKILL
    assert len(_losses(killed)) == 11
    assert load_trained(killed)[2].steps == 8
    assert _train_in_a_child(corpus, killed, network=network) == 0
    assert _losses(killed) == _losses(whole)


def test_a_run_of_another_configuration_is_not_overwritten(corpus, tmp_path):
    _trainer(corpus, tmp_path)
    with pytest.raises(ValueError, match="another configuration"):
        _trainer(corpus, tmp_path, dataclasses.replace(CONFIG, learning_rate=1.0))


def test_a_run_of_other_photos_is_not_continued(corpus, tmp_path):
    """Or batch n would be another batch, and the list of training photos would be false."""
    _trainer(corpus, tmp_path)
    (tmp_path / "photos.txt").write_text("another_photo\n")
    with pytest.raises(ValueError, match="other photos"):
        _trainer(corpus, tmp_path)


def test_a_run_starts_from_a_network_of_half_its_width_and_from_no_other(corpus, tmp_path):
    narrow = dataclasses.replace(CONFIG, network=dataclasses.replace(TINY, stage1_channels=1, stage2_channels=1))
    _trainer(corpus, tmp_path / "narrow", narrow).checkpoints.save(checkpoint_number=0)
    wide = _trainer(corpus, tmp_path / "wide")
    wide.start_from(tmp_path / "narrow")
    assert [run["steps"] for run in read_history(tmp_path / "wide")] == [0, 0]
    direct = dataclasses.replace(CONFIG, network=dataclasses.replace(TINY, output="direct"))
    with pytest.raises(ValueError, match="nor one of half its width"):
        _trainer(corpus, tmp_path / "direct", direct).start_from(tmp_path / "wide")


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(corpus, tmp_path):
    trainer = _trainer(corpus, tmp_path, dataclasses.replace(CONFIG, learning_rate=float("nan")))
    with pytest.raises(TrainingDivergedError, match=r"step 2 .*last good checkpoint"):
        trainer.train()


def test_a_bfloat16_network_keeps_float32_variables_and_outputs(corpus, tmp_path):
    trainer = _trainer(corpus, tmp_path, dataclasses.replace(CONFIG, precision="mixed_bfloat16"))
    assert trainer.network.get_layer("stage1_head").compute_dtype == "bfloat16"
    assert {variable.dtype for variable in trainer.network.variables} == {"float32"}
    assert {output.dtype for output in trainer.network.outputs} == {"float32"}


def test_the_papers_configuration_is_the_papers():
    """60 epochs over 4464 pairs, batch 1, 1408 x 1024, Adam 1e-4 with (0, 0.9), direct output (sec. 3)."""
    paper = CONFIGS["paper"]
    assert paper.phases == (Phase(60 * 4464, 1, 1024, 1408),)
    assert (paper.learning_rate, paper.beta_1, paper.beta_2) == (1e-4, 0.0, 0.9)
    assert (paper.network.stage1_channels, paper.network.stage2_channels, paper.network.output) == (16, 32, "direct")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_configuration_loads_as_it_was(tmp_path, name):
    save_config(CONFIGS[name], tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == CONFIGS[name]


def test_an_unknown_field_in_a_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"name": "x", "phases": [], "momentum": 1}')
    with pytest.raises(ValueError, match="momentum"):
        load_config(tmp_path / "config.json")


def test_steps_after_the_checkpoint_leave_the_loss_log(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,total,l1,ssim,rough_l1,gradient_norm,learning_rate\n1,.5,0,0,0,0,0\n2,.4,0,0,0,0,0\n")
    open_loss_log(path, up_to=1).close()
    assert list(_losses(tmp_path)) == [1]
