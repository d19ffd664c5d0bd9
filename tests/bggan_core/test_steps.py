import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from bggan_core.configs import Phase, StageB, TrainingConfig
from bggan_core.critics import CriticsConfig
from bggan_core.losses import HybridWeights
from bggan_core.perceptual import build_feature_network
from bggan_core.steps import build_critic_step, build_learners, build_objective, build_step, draw_mix
from tests.bggan_core.features import SHALLOW, write_random_vgg
from tests.bggan_core.networks import TINY, randomise
from tests.bggan_core.pair_sources import GeneratedPairs

WITH_CRITICS = TrainingConfig(
    name="tiny-b",
    network=TINY,
    phases=(Phase(8, 2, 16, 24),),
    stage_b=StageB(HybridWeights(perceptual=0.0), SHALLOW, CriticsConfig(n_layers=(1, 2), channels=2)),
    learning_rate=1e-3,
)
CRITIC_FREE = dataclasses.replace(WITH_CRITICS, stage_b=StageB(HybridWeights(perceptual=0.0), SHALLOW, None))


@pytest.fixture
def batch():
    return tuple(map(tf.constant, GeneratedPairs(3, wedge=4).make_batch(0, size=2, height=16, width=24)))


def _learners(config, rng, **kwargs):
    learners = build_learners(config, **kwargs)
    randomise(learners.network, rng)
    return learners


def _weights(*models):
    return [weight.copy() for model in models for weight in model.get_weights()]


def _changed(before, after):
    return [bool(np.abs(a - b).max() > 0) for a, b in zip(before, after, strict=True)]


def test_the_critics_step_changes_every_critic_and_leaves_the_generator(batch, rng):
    learners = _learners(WITH_CRITICS, rng)
    generator, critics = _weights(learners.network), _weights(*learners.critics)
    photos, bokeh, mask, _ = batch
    fake = learners.network(photos)[0]
    build_critic_step(learners, WITH_CRITICS)(bokeh * mask, fake * mask, tf.constant(0, tf.int64))
    assert not any(_changed(generator, _weights(learners.network)))
    kernels = [np.ndim(weight) == 4 for weight in critics]
    assert all(np.array(_changed(critics, _weights(*learners.critics)))[kernels])


def test_the_generators_objective_reaches_every_kernel_of_the_generator(batch, rng):
    learners = _learners(WITH_CRITICS, rng)
    before = _weights(learners.network)
    photos, bokeh, mask, _ = batch
    with tf.GradientTape(persistent=True) as tape:
        total = build_objective(learners, WITH_CRITICS)(learners.network(photos), bokeh, mask)["total"]
    gradients = tape.gradient(total, learners.network.trainable_variables)
    learners.optimizer.apply(gradients, learners.network.trainable_variables)
    kernels = [np.ndim(weight) == 4 for weight in before]
    assert all(np.array(_changed(before, _weights(learners.network)))[kernels])


def test_the_whole_step_gives_the_generator_the_gradient_of_its_objective_alone(batch, rng):
    """Beside a plain tape over the objective after the critics have learned; nothing of the critics' loss is in it."""
    learners = _learners(WITH_CRITICS, rng)
    start = learners.network.get_weights()
    terms = build_step(learners, WITH_CRITICS)(batch, tf.constant(0, tf.int64))
    learners.network.set_weights(start)  # the critics have taken their step, the generator has not
    photos, bokeh, mask, _ = batch
    with tf.GradientTape() as tape:
        alone = build_objective(learners, WITH_CRITICS)(learners.network(photos, training=True), bokeh, mask)
    norm = tf.linalg.global_norm(tape.gradient(alone["total"], learners.network.trainable_variables))
    assert float(terms["gradient_norm"]) == pytest.approx(float(norm), rel=1e-4)
    assert float(terms["total"]) == pytest.approx(float(alone["total"]), rel=1e-5)


def test_with_critics_the_generators_gradient_differs_from_the_critic_free_one(batch, rng):
    norms = {}
    for config in (WITH_CRITICS, CRITIC_FREE):
        learners = _learners(config, np.random.default_rng(1))
        norms[config] = float(build_step(learners, config)(batch, tf.constant(0, tf.int64))["gradient_norm"])
    assert abs(norms[WITH_CRITICS] - norms[CRITIC_FREE]) > 1e-3


def test_critics_learn_to_tell_renderings_from_ground_truth(rng):
    """Against a generator that stands still the gap opens, and the penalty keeps slopes near 1."""
    config = dataclasses.replace(
        WITH_CRITICS,
        stage_b=StageB(critics=CriticsConfig(n_layers=(1, 2), channels=8, learning_rate=2e-3)),
    )
    learners = build_learners(config, features=lambda x: x)
    step = tf.function(build_critic_step(learners, config))
    pairs = GeneratedPairs(4)
    gaps, penalties = [], []
    for number in range(60):
        photos, bokeh, *_ = map(tf.constant, pairs.make_batch(number, size=4, height=32, width=48))
        terms = step(bokeh, photos, tf.constant(number, tf.int64))
        gaps.append(float(terms["gap_34"]))
        penalties.append(float(terms["penalty_34"]))
    assert np.mean(gaps[-10:]) > np.mean(gaps[:10]) + 0.001
    assert np.mean(penalties[-10:]) < 0.25 < np.mean(penalties[:5])


def test_where_penalties_are_taken_follows_from_seed_and_step_alone():
    draw = lambda seed, step: np.ravel(draw_mix(seed, tf.constant(step, tf.int64), images=3))  # noqa: E731
    np.testing.assert_array_equal(draw(1, 7), draw(1, 7))
    assert np.abs(draw(1, 7) - draw(1, 8)).min() > 0
    assert np.abs(draw(1, 7) - draw(2, 7)).min() > 0
    assert draw(1, 7).min() >= 0
    assert draw(1, 7).max() < 1


def test_the_perceptual_term_needs_its_network_and_reaches_the_generator(batch, rng, tmp_path):
    config = dataclasses.replace(WITH_CRITICS, stage_b=StageB(perceptual=SHALLOW, critics=None))
    with pytest.raises(ValueError, match="needs a feature network"):
        build_learners(config)
    features = build_feature_network(SHALLOW, write_random_vgg(tmp_path / "vgg.npz"))
    learners = _learners(config, rng, features=features)
    frozen = _weights(features)
    terms = build_step(learners, config)(batch, tf.constant(0, tf.int64))
    assert float(terms["perceptual"]) > 0
    assert not any(_changed(frozen, _weights(features)))
    assert float(terms["total"]) == pytest.approx(
        0.5 * float(terms["l1"]) + 0.05 * float(terms["ssim"]) + 0.1 * float(terms["perceptual"]), rel=1e-5
    )


def test_clipping_bounds_the_step_and_reports_the_norm_before(batch, rng):
    config = dataclasses.replace(CRITIC_FREE, clip_norm=1e-3)
    learners = _learners(config, rng)
    terms = build_step(learners, config)(batch, tf.constant(0, tf.int64))
    assert float(terms["gradient_norm"]) > 1e-3
    second_moments = [v for v in learners.optimizer.variables if "velocity" in v.path]
    seen = sum(float(tf.reduce_sum(v.value)) for v in second_moments) / (1 - config.beta_2)
    assert seen == pytest.approx(1e-6, rel=1e-3)
