import dataclasses
import json

import pytest

from bggan_core.config_files import change_config, load_config, read_changes, save_config
from bggan_core.configs import CONFIGS, Phase
from bggan_core.losses import HybridWeights


def test_the_papers_configuration_is_the_papers():
    """60 epochs over 4464 pairs, batch 1, 1408 x 1024, Adam 1e-4 with (0, 0.9), direct output (sec. 3)."""
    paper = CONFIGS["paper"]
    assert paper.phases == (Phase(60 * 4464, 1, 1024, 1408),)
    assert (paper.learning_rate, paper.beta_1, paper.beta_2) == (1e-4, 0.0, 0.9)
    assert (paper.network.stage1_channels, paper.network.stage2_channels, paper.network.output) == (16, 32, "direct")


def test_the_papers_stage_b_is_the_papers():
    """Eq. 3, relu5_4 of VGG19 unscaled, critics of 70 and 286 pixels with lambda 10 and a rate of 1e-4."""
    paper = CONFIGS["paper-b"]
    assert paper.phases == CONFIGS["paper"].phases
    assert paper.stage_b.weights == HybridWeights(l1=0.5, ssim=0.05, perceptual=0.1, adversarial=1.0, rough=0.0)
    perceptual = paper.stage_b.perceptual
    assert (perceptual.network, perceptual.layer, perceptual.scale, perceptual.downscale) == ("vgg19", "relu5_4", 1, 1)
    assert (paper.critics.n_layers, paper.critics.penalty_weight, paper.critics.learning_rate) == ((3, 5), 10, 1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_configuration_loads_as_it_was(tmp_path, name):
    save_config(CONFIGS[name], tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == CONFIGS[name]


def test_fields_that_an_older_version_did_not_save_get_their_defaults(tmp_path):
    values = json.loads(json.dumps(dataclasses.asdict(CONFIGS["paper-size"])))
    for later in ("stage_b", "evaluation_steps", "evaluation_pairs", "ema_decay", "explosion_factor"):
        del values[later]
    del values["pairs"]["variety"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert load_config(tmp_path / "config.json") == CONFIGS["paper-size"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "x", "phases": [], "momentum": 1}', "unknown field momentum"),
        ('{"name": "x"}', "phases"),
        ('{"name": "x", "phases": [{"steps": 1}]}', r"phases\[0\]"),
        ('{"name": "x", "phases": [], "seed": "one"}', "seed must be int"),
        ('{"name": "x", "phases": [], "precision": "half"}', "precision must be one of"),
        ("{", "config.json"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_config(tmp_path / "config.json")


def test_settings_win_over_the_file_and_the_file_over_the_named_configuration(tmp_path):
    (tmp_path / "mine.toml").write_text(
        "learning_rate = 2e-4\nseed = 5\n[stage_b.critics]\nchannels = 8\nn_layers = [2]\n"
    )
    changes = read_changes(tmp_path / "mine.toml", ["seed=6", "stage_b.weights.adversarial=0.5", "clip_norm=none"])
    config = change_config(CONFIGS["paper-size-b"], changes)
    assert (config.name, config.learning_rate, config.seed, config.clip_norm) == ("paper-size-b-custom", 2e-4, 6, None)
    assert (config.critics.channels, config.critics.n_layers, config.critics.penalty_weight) == (8, (2,), 10.0)
    assert config.stage_b.weights == dataclasses.replace(CONFIGS["paper-size-b"].stage_b.weights, adversarial=0.5)


def test_without_changes_a_named_configuration_keeps_its_name():
    assert change_config(CONFIGS["paper"], read_changes(None, [])) is CONFIGS["paper"]


def test_critics_can_be_taken_away_as_in_eq_7():
    changes = read_changes(None, ["stage_b.critics=none", "name=critic-free"])
    assert change_config(CONFIGS["paper-b"], changes).critics is None
    assert change_config(CONFIGS["paper-b"], changes).name == "critic-free"


def test_a_change_can_be_for_one_stage_alone():
    settings = ["a.seed=1", "b.seed=2", "beta_2=0.95", "stage_b.critics.channels=8"]
    settings += ["guidance.focus=0.2", "a.guidance.features=0.3"]
    changes = read_changes(None, settings)
    stage_a, stage_b = (change_config(CONFIGS[name], changes) for name in ("guided", "guided-b"))
    assert (stage_a.seed, stage_a.beta_2, stage_a.stage_b) == (1, 0.95, None)
    assert (stage_b.seed, stage_b.beta_2, stage_b.critics.channels) == (2, 0.95, 8)
    assert [(each.guidance.focus, each.guidance.features) for each in (stage_a, stage_b)] == [(0.2, 0.3), (0.2, 0.0)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("learning-rate", "key=value"),
        ("learning_rte=1", "unknown field learning_rte"),
        ("stage_b.critics.chanels=8", r"stage_b\.critics\.chanels"),
        ("learning_rate=fast", "learning_rate must be float"),
        ("seed=1.5", "seed must be int"),
        ("name.first=x", "has no fields"),
        ("phases=[{steps=1, batch=1, height=16}]", "width"),
        ("phases=[{steps=1, batch=1, height=100, width=152}]", "multiples of 8"),
        ("phases=[{steps=1, batch=0, height=16, width=24}]", "at least 1"),
        ("phases=[]", "at least one phase"),
        ("checkpoint_steps=0", "checkpoint_steps must be at least 1"),
        ("pairs.blur_radius=[0.015]", r"pairs\.blur_radius must be a list of 2"),
        ("pairs.blur_radius=[0.02, 0.01]", "the smaller first"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(setting, message):
    with pytest.raises(ValueError, match=message):
        change_config(CONFIGS["paper-b"], read_changes(None, [setting]))
