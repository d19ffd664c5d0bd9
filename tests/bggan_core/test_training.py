import csv
import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bggan_core.checkpoints import load_trained, read_history
from bggan_core.configs import CONFIGS, Phase, StageB, TrainingConfig
from bggan_core.critics import CriticsConfig
from bggan_core.guidance import GuidanceConfig
from bggan_core.losses import HybridWeights
from bggan_core.monitoring import LossGuard, LossLog, TrainingDivergedError
from bggan_core.training import Trainer
from tests.bggan_core.networks import TINY
from tests.bggan_core.pair_sources import GeneratedPairs

ROOT = Path(__file__).resolve().parents[2]

CONFIG = TrainingConfig(
    name="tiny",
    network=TINY,
    phases=(Phase(6, 2, 16, 24), Phase(10, 1, 24, 32)),
    learning_rate=2e-3,
    final_learning_rate=1e-3,
    warmup_steps=2,
    clip_norm=1.0,
    checkpoint_steps=4,
    image_steps=20,
    evaluation_steps=100,
    evaluation_pairs=2,
)

STAGE_B = dataclasses.replace(
    CONFIG,
    name="tiny-b",
    stage_b=StageB(HybridWeights(perceptual=0.0), critics=CriticsConfig(n_layers=(1, 2), channels=2)),
    ema_decay=0.9,
)


def _trainer(run, config=CONFIG, **kwargs):
    sources = {"train_pairs": GeneratedPairs(1), "validation_pairs": GeneratedPairs(2), **kwargs}
    return Trainer(config, run=run, **sources)


def _losses(run):
    """Every logged number of every step."""
    with (run / "losses.csv").open() as file:
        return {int(row.pop("step")): row for row in csv.DictReader(file) if row["learning_rate"]}


class _OneBatch(GeneratedPairs):
    def make_batch(self, _index, **size):
        return super().make_batch(0, **size)


class _OneGoodBatch(GeneratedPairs):
    """From the second batch on, the ground truth is no number."""

    def make_batch(self, index, **size):
        photos, bokeh, *rest = super().make_batch(index, **size)
        return photos, bokeh if index == 0 else np.full_like(bokeh, np.nan), *rest


def test_training_learns_one_batch_and_leaves_a_run_that_loads(tmp_path):
    config = dataclasses.replace(CONFIG, phases=(Phase(120, 2, 16, 24),), checkpoint_steps=60)
    progress = _trainer(tmp_path, config, train_pairs=_OneBatch(1)).train()
    losses = [float(row["total"]) for row in _losses(tmp_path).values()]
    assert len(losses) == 120
    assert np.mean(losses[-5:]) < 0.8 * losses[0]
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
trainer = _trainer(Path(sys.argv[1]), KILLED[sys.argv[3]])
killed_at = int(sys.argv[2])
if killed_at:
    report = trainer._report
    def report_or_die(step, terms, log):
        if step == killed_at:
            log.write(step, terms)
            os.kill(os.getpid(), signal.SIGKILL)
        report(step, terms, log)
    trainer._report = report_or_die
trainer.train()
"""


def _train_in_a_child(run, *, network, killed_at=0):
    command = [sys.executable, "-c", _CHILD, str(run), str(killed_at), network]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


KILLED = {
    "stage a": CONFIG,
    "stage b": dataclasses.replace(STAGE_B, guidance=GuidanceConfig(features=0.0)),
    "small": dataclasses.replace(CONFIG, network=CONFIGS["small"].network, phases=(Phase(14, 2, 128, 192),)),
}


@pytest.mark.parametrize(
    "network", ["stage b", *(pytest.param(name, marks=pytest.mark.long) for name in ("stage a", "small"))]
)
def test_after_kill_9_the_run_goes_on_digit_for_digit(tmp_path, network):
    """It continues at its last checkpoint; every loss, gap, penalty, norm and rate is an undisturbed run's."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert _train_in_a_child(whole, network=network) == 0
    assert _train_in_a_child(killed, network=network, killed_at=11) == -signal.SIGKILL
    assert len(_losses(killed)) == 11
    assert load_trained(killed)[2].steps == 8
    assert _train_in_a_child(killed, network=network) == 0
    assert _losses(killed) == _losses(whole)
    for resumed, undisturbed in zip(*(load_trained(run)[0].get_weights() for run in (killed, whole)), strict=True):
        np.testing.assert_array_equal(resumed, undisturbed)


def test_stage_b_logs_what_the_critics_do(tmp_path):
    _trainer(tmp_path, dataclasses.replace(STAGE_B, phases=(Phase(3, 1, 16, 24),))).train()
    rows = _losses(tmp_path)
    assert {"adversarial", "gap_16", "penalty_16", "gap_34", "penalty_34", "critic_gradient_norm"} <= set(rows[3])
    assert all(np.isfinite(float(value)) for value in rows[3].values())


def test_the_running_average_is_what_loads_and_the_formula_is_its_own(tmp_path):
    """With decay d the average moves (1 - min(d, (1 + n) / (10 + n))) of the way in step n, from 0."""
    trainer = _trainer(tmp_path, dataclasses.replace(STAGE_B, phases=(Phase(3, 1, 16, 24),)))
    expected = trainer.network.get_layer("stage1_head").kernel.numpy().astype(np.float64)
    seen = []
    report = trainer._report

    def record(step, terms, log):
        seen.append(trainer.network.get_layer("stage1_head").kernel.numpy())
        report(step, terms, log)

    trainer._report = record
    trainer.train()
    for number, kernel in enumerate(seen):
        decay = min(0.9, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * kernel
    loaded = load_trained(tmp_path)[0].get_layer("stage1_head").kernel.numpy()
    np.testing.assert_allclose(loaded, expected, atol=1e-6)
    assert np.abs(loaded - seen[-1]).max() > 1e-5


def test_the_best_checkpoint_stays_when_later_ones_are_worse(tmp_path):
    config = dataclasses.replace(CONFIG, phases=(Phase(8, 1, 16, 24),), evaluation_steps=2)
    trainer = _trainer(tmp_path, config)
    scores = iter([20.0, 30.0, 25.0, 10.0])
    trainer.evaluate = lambda: {"psnr_db": next(scores), "ssim": 0.5}
    trainer.train()
    assert json.loads((tmp_path / "best.json").read_text())["step"] == 4
    assert load_trained(tmp_path, best=True)[2].steps == 4
    assert load_trained(tmp_path)[2].steps == 8
    assert {path.name.split(".")[0] for path in (tmp_path / "best").iterdir()} == {"ckpt-4"}


def test_validation_scores_a_fresh_residual_network_as_the_photo_itself(tmp_path):
    pairs = [GeneratedPairs(2).make(index, height=24, width=32) for index in range(2)]
    expected = np.mean([-10 * np.log10(np.mean((pair.photo - pair.bokeh) ** 2)) for pair in pairs])
    assert _trainer(tmp_path).evaluate()["psnr_db"] == pytest.approx(expected, abs=1e-3)


def test_masked_filler_teaches_nothing(tmp_path):
    """Another picture under the mask gives the same losses, in both stages."""

    class Scribbled(GeneratedPairs):
        def make_batch(self, index, **size):
            photos, bokeh, mask, defocus = super().make_batch(index, **size)
            noise = np.random.default_rng(index).uniform(-1, 1, bokeh.shape).astype(np.float32)
            return photos, np.where(mask == 0, noise, bokeh), mask, defocus

    for name, config in (("a", CONFIG), ("b", STAGE_B)):
        short = dataclasses.replace(config, phases=(Phase(3, 1, 16, 24),))
        for kind, source in (("black", GeneratedPairs(1, wedge=5)), ("scribbled", Scribbled(1, wedge=5))):
            _trainer(tmp_path / name / kind, short, train_pairs=source).train()
        assert _losses(tmp_path / name / "black") == _losses(tmp_path / name / "scribbled")


def test_a_run_of_another_configuration_is_not_overwritten(tmp_path):
    _trainer(tmp_path)
    with pytest.raises(ValueError, match="another configuration"):
        _trainer(tmp_path, dataclasses.replace(CONFIG, learning_rate=1.0))


def test_a_run_of_other_photos_is_not_continued(tmp_path):
    """Or batch n would be another batch, and the list of training photos would be false."""
    _trainer(tmp_path)
    (tmp_path / "photos.txt").write_text("another_photo\n")
    with pytest.raises(ValueError, match="other photos"):
        _trainer(tmp_path)


def test_a_run_starts_from_a_network_of_half_its_width_and_from_no_other(tmp_path):
    narrow = dataclasses.replace(CONFIG, network=dataclasses.replace(TINY, stage1_channels=1, stage2_channels=1))
    _trainer(tmp_path / "narrow", narrow).kept.save(0)
    wide = _trainer(tmp_path / "wide")
    wide.start_from(tmp_path / "narrow")
    assert [run["steps"] for run in read_history(tmp_path / "wide")] == [0, 0]
    direct = dataclasses.replace(CONFIG, network=dataclasses.replace(TINY, output="direct"))
    with pytest.raises(ValueError, match="nor one of half its width"):
        _trainer(tmp_path / "direct", direct).start_from(tmp_path / "wide")


def test_stage_b_starts_from_stage_a_and_the_history_says_so(tmp_path):
    _trainer(tmp_path / "a", dataclasses.replace(CONFIG, phases=(Phase(2, 1, 16, 24),))).train()
    stage_b = _trainer(tmp_path / "b", dataclasses.replace(STAGE_B, phases=(Phase(2, 1, 16, 24),)))
    stage_b.start_from(tmp_path / "a")
    for average, weight in zip(stage_b.average.averages, load_trained(tmp_path / "a")[0].get_weights(), strict=True):
        np.testing.assert_array_equal(average.numpy(), weight)
    stage_b.train()
    history = read_history(tmp_path / "b")
    assert [(run["config"], run["stage"], run["steps"]) for run in history] == [("tiny", "a", 2), ("tiny-b", "b", 2)]
    assert history[1]["critics"] == [1, 2]


def test_a_run_of_the_first_version_loads_and_can_be_started_from(tmp_path):
    """Its checkpoint holds network, optimizer and counters, and its config none of the later fields."""
    _trainer(tmp_path / "old", dataclasses.replace(CONFIG, phases=(Phase(2, 1, 16, 24),))).train()
    path = tmp_path / "old" / "config.json"
    values = json.loads(path.read_text())
    later = ("stage_b", "guidance", "ebb", "evaluation_steps", "evaluation_pairs", "ema_decay", "explosion_factor")
    path.write_text(json.dumps({name: value for name, value in values.items() if name not in later}))
    names = {name.split("/")[0] for name, _ in tf.train.list_variables(str(tmp_path / "old" / "checkpoints"))}
    # The network's variables stand under the optimizer's name, by which TensorFlow reaches them in fewer steps.
    assert names == {"optimizer", "counters", "save_counter", "_CHECKPOINTABLE_OBJECT_GRAPH"}
    new = _trainer(tmp_path / "new", STAGE_B)
    new.start_from(tmp_path / "old")
    np.testing.assert_array_equal(new.network.get_weights()[0], load_trained(tmp_path / "old")[0].get_weights()[0])


def test_a_loss_that_is_no_number_stops_the_run_and_names_step_config_and_checkpoint(tmp_path):
    trainer = _trainer(tmp_path, train_pairs=_OneGoodBatch(1))
    trainer.kept.save(0)
    with pytest.raises(TrainingDivergedError, match=r"step 2 of tiny .*config\.json.* nan; .*checkpoints/ckpt-0"):
        trainer.train()


def test_an_explosion_stops_the_run_where_a_hard_batch_does_not():
    guard = LossGuard(factor=20.0)
    assert not any(guard.check({"l1": 0.05}) for _ in range(30))
    assert guard.check({"l1": 0.4}) is None
    assert "20 times the usual 0.05" in guard.check({"l1": 1.1})
    assert "critic explodes" in guard.check({"l1": 0.05, "penalty_70": 2e4})


def test_a_bfloat16_network_keeps_float32_variables_and_outputs(tmp_path):
    trainer = _trainer(tmp_path, dataclasses.replace(CONFIG, precision="mixed_bfloat16"))
    assert trainer.network.get_layer("stage1_head").compute_dtype == "bfloat16"
    assert {variable.dtype for variable in trainer.network.variables} == {"float32"}
    assert {output.dtype for output in trainer.network.outputs} == {"float32"}


def test_steps_after_the_checkpoint_leave_the_loss_log(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,total,learning_rate\n1,.5,1\n2,.4,1\n3,.3")
    with LossLog(path, columns=("step", "total", "learning_rate"), up_to=1):
        pass
    assert list(_losses(tmp_path)) == [1]
