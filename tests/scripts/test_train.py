import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from PIL import Image

from bggan_core import configs
from bggan_core.checkpoints import load_trained, read_history
from bggan_core.configs import Phase, StageB, TrainingConfig
from bggan_core.critics import CriticsConfig
from bggan_core.data.ebb import EbbRecipe
from bggan_core.loss_curves import read_columns, running_mean
from scripts import benchmark, make_ebb_sample, plot_training, train
from tests.bggan_core.features import SHALLOW, write_random_vgg
from tests.bggan_core.networks import TINY

STAGE_A = TrainingConfig(
    name="tiny", network=TINY, phases=(Phase(2, 1, 16, 24),), ebb=EbbRecipe(crop="scaled"), evaluation_pairs=1
)


@pytest.fixture
def tiny_configs(monkeypatch):
    """A pair of named configurations with both critics and a perceptual term."""
    stage_b = StageB(perceptual=SHALLOW, critics=CriticsConfig(n_layers=(1, 2), channels=2))
    monkeypatch.setitem(configs.CONFIGS, "tiny", STAGE_A)
    values = {**vars(STAGE_A), "name": "tiny-b", "stage_b": stage_b, "ema_decay": 0.9}
    monkeypatch.setitem(configs.CONFIGS, "tiny-b", TrainingConfig(**values))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_random_vgg(tmp_path_factory.mktemp("vgg") / "vgg.npz")


@pytest.fixture(scope="module")
def ebb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ebb")
    make_ebb_sample.main(folder, pairs=3, validation=2, height=64)
    return folder


@pytest.mark.usefixtures("tiny_configs")
@pytest.mark.parametrize("source", ["corpus", "ebb"])
def test_one_command_trains_both_stages_on_either_source(source, request, weights, tmp_path, capsys):
    """And the same command again finds nothing left to do."""
    folder = request.getfixturevalue(source)
    for _ in range(2):
        train.main(folder, tmp_path, config="tiny", stage="both", perceptual_weights=weights)
    assert capsys.readouterr().out.count("2 steps, 2 samples") == 4
    history = read_history(tmp_path / "stage-b")
    assert [(run["config"], run["stage"], run["steps"]) for run in history] == [("tiny", "a", 2), ("tiny-b", "b", 2)]
    assert history[1]["perceptual"]["network"] == "vgg16-hed"
    assert history[1]["perceptual"]["weights"] == "vgg.npz"
    names = (tmp_path / "stage-b" / "photos.txt").read_text().split()
    assert names == (["ebb/0", "ebb/1", "ebb/2"] if source == "ebb" else sorted(names))
    log = (tmp_path / "stage-b" / "losses.csv").read_text().splitlines()
    losses = [float(row["total"]) for row in csv.DictReader(log)]
    assert np.isfinite(losses).all()
    assert load_trained(tmp_path / "stage-b", best=True)[2].steps == 2


def test_stage_b_alone_needs_a_trained_network(corpus, weights, tiny_configs, tmp_path):
    with pytest.raises(typer.BadParameter, match="--start-from"):
        train.main(corpus, tmp_path, config="tiny", stage="b", perceptual_weights=weights)


def test_guidance_that_stage_b_cannot_have_is_refused_before_stage_a(ebb, weights, tmp_path):
    settings = ["a.guidance.defocus=0"]
    with pytest.raises(typer.BadParameter, match=r"guided-b.*--set guidance\.defocus=0"):
        train.main(ebb, tmp_path / "run", config="guided", stage="both", perceptual_weights=weights, settings=settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "make its file by scripts/make_vgg16_hed.py"),
        ({"perceptual_weights": Path("absent.npz")}, "is no file"),
        ({"config": "guided", "settings": ["b.guidance.defocus=0"]}, r"--set guidance\.features=0"),
    ],
)
def test_features_that_a_stage_cannot_have_are_missed_before_any_training(
    corpus, tiny_configs, tmp_path, options, message
):
    with pytest.raises(typer.BadParameter, match=message):
        train.main(corpus, tmp_path / "run", **{"config": "tiny", "stage": "both", **options})
    assert not (tmp_path / "run").exists()


def test_batches_that_stage_bs_replicas_cannot_share_are_refused_before_stage_a(
    corpus, weights, tiny_configs, tmp_path, monkeypatch
):
    monkeypatch.setattr(train, "build_strategy", lambda _name: SimpleNamespace(num_replicas_in_sync=2))
    settings = ["a.phases=[{steps=2, batch=2, height=16, width=24}]"]
    options = {"stage": "both", "perceptual_weights": weights, "settings": settings}
    with pytest.raises(typer.BadParameter, match="tiny-b: a batch of 1 cannot be shared by 2 replicas"):
        train.main(corpus, tmp_path / "run", config="tiny", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [({"pair_list": Path("pairs.txt")}, "EBB!'s layouts"), ({"best": True}, "give --start-from")],
)
def test_an_option_that_would_change_nothing_is_refused(corpus, tiny_configs, tmp_path, option, message):
    with pytest.raises(typer.BadParameter, match=message):
        train.main(corpus, tmp_path / "run", config="tiny", **option)


def test_settings_are_saved_beside_the_run(corpus, tiny_configs, tmp_path):
    train.main(corpus, tmp_path, config="tiny", settings=["seed=5", "phases=[{steps=1, batch=1, height=16, width=24}]"])
    saved = json.loads((tmp_path / "config.json").read_text())
    assert (saved["name"], saved["seed"], saved["phases"][0]["steps"]) == ("tiny-custom", 5, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"config": "huge"}, "unknown configuration"), ({"config": "tiny", "settings": ["sed=1"]}, "unknown field sed")],
)
def test_a_choice_that_does_not_exist_is_named(corpus, tiny_configs, tmp_path, options, message):
    with pytest.raises(typer.BadParameter, match=message):
        train.main(corpus, tmp_path, **options)


def test_a_plot_has_one_panel_for_each_kind_of_number(tmp_path):
    log = tmp_path / "losses.csv"
    columns = ["step", "total", "l1", "gap_70", "penalty_70", "gradient_norm", "learning_rate"]
    rows = [",".join(map(str, [step, 1, 0.5, 0.1, 0.2, 1, 1e-4])) for step in range(1, 30)]
    log.write_text("\n".join([",".join(columns), *rows, "30,1,0.5"]))
    assert len(read_columns(log)["step"]) == 29
    plot_training.main(tmp_path, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.size == (880, 4 * 264)
    with pytest.raises(typer.BadParameter, match=r"must end in \.svg"):
        plot_training.main(tmp_path, tmp_path / "plot.bmp")


def test_the_running_mean_is_that_of_the_last_steps():
    steps, means = running_mean(np.arange(1, 6), np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 3)
    np.testing.assert_allclose(means, [2, 3, 4])
    np.testing.assert_array_equal(steps, [3, 4, 5])


def test_the_benchmark_times_a_training_with_its_pipeline(corpus, tiny_configs):
    case = benchmark.TrainingCase("tiny", "float32", steps=3, size=(1, 16, 24))
    speed = benchmark._measure_training(case, corpus, None)
    assert speed.seconds_per_step > 0
    assert 0 <= speed.wait_share < 1
    assert speed.peak_bytes > 100 * 2**20
