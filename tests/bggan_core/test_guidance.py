import dataclasses
import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from bggan_core.checkpoints import read_history
from bggan_core.config_files import load_config, save_config
from bggan_core.configs import CONFIGS, Phase, StageB, TrainingConfig
from bggan_core.critics import CriticsConfig
from bggan_core.data.corpus import read_manifest
from bggan_core.data.pairs import Pair
from bggan_core.data.synthetic import PairMaker, PairRecipe
from bggan_core.glassnet import build_glassnet
from bggan_core.guidance import (
    GuidanceConfig,
    GuidingHeads,
    TeacherComponents,
    build_teacher,
    defocus_loss,
    detail_kept,
    feature_loss,
    tapped_layers,
)
from bggan_core.perceptual import PerceptualConfig
from bggan_core.steps import build_learners, build_objective, build_step
from bggan_core.training import Trainer
from tests.bggan_core.networks import TINY, randomise
from tests.bggan_core.pair_sources import GeneratedPairs

GUIDED = TrainingConfig(
    name="tiny-guided", phases=(Phase(1, 1, 32, 48),), network=TINY, guidance=GuidanceConfig(), learning_rate=1e-3
)


def _features() -> keras.Model:
    """Stands for a VGG: two layers of its names, with random kernels, at an eighth and a sixteenth of the size."""
    image = keras.Input((None, None, 3))
    middle = keras.layers.Conv2D(6, 8, strides=8, padding="same", name="conv4_3")(image)
    return keras.Model(image, keras.layers.Conv2D(4, 2, strides=2, name="conv5_3")(middle))


@pytest.fixture
def batch():
    return tuple(map(tf.constant, GeneratedPairs(3).make_batch(0, size=2, height=32, width=48)))


def test_the_detail_kept_is_all_of_a_sharp_picture_none_of_a_flat_one_and_unsure_without_texture(rng):
    photo = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    photo[:, :, 32:] = 0.3
    bokeh = photo.copy()
    bokeh[:, :32] = bokeh[:, :32].mean()
    kept, weight = (
        plane.numpy()[0, ..., 0] for plane in detail_kept(photo, bokeh, np.ones((1, 64, 64, 1), np.float32))
    )
    np.testing.assert_allclose(kept[6:, :2], 1, atol=0.01)
    np.testing.assert_allclose(kept[:2, :2], 0, atol=0.01)
    assert weight[:, :2].min() > 0.9
    assert weight[:, 6:].max() < 0.01


def test_half_the_contrast_is_half_the_detail(rng):
    photo = rng.uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    kept, _ = detail_kept(photo, photo / 2, np.ones((1, 32, 32, 1), np.float32))
    np.testing.assert_allclose(kept, 0.5, atol=0.01)


def test_filler_says_nothing_about_focus(rng):
    photo = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    mask = np.ones((1, 64, 64, 1), np.float32)
    mask[:, :, :8] = 0
    _, weight = detail_kept(photo, photo, mask)
    assert weight.numpy()[0, :, 0, 0].max() == 0
    assert weight.numpy()[0, :, 4, 0].min() > 0.9


def test_the_teachers_components_are_uncorrelated_and_of_unit_variance(rng):
    teacher = TeacherComponents(build_teacher(_features()), components=3)
    photos = rng.normal(0, 0.3, (4, 64, 96, 3)).astype(np.float32)
    np.testing.assert_array_equal(teacher(photos), 0)
    mask = np.ones((4, 64, 96, 1), np.float32)
    teacher.fit(photos, mask)
    components = teacher(photos).numpy()
    assert components.shape == (4, 8, 12, 6)
    middle = components[..., :3].reshape(-1, 3)
    np.testing.assert_allclose(middle.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(middle.T), np.eye(3), atol=0.02)


def test_filler_has_no_part_in_the_teachers_components(rng):
    """Whole squares of it, and squares it only reaches into."""
    photos = rng.normal(0, 0.3, (4, 64, 96, 3)).astype(np.float32)
    filled, mask = photos.copy(), np.ones((4, 64, 96, 1), np.float32)
    filled[:, :, :20] = 50.0
    mask[:, :, :20] = 0
    found, expected = (TeacherComponents(build_teacher(_features()), components=3) for _ in range(2))
    expected.teacher.set_weights(found.teacher.get_weights())
    found.fit(filled, mask)
    for layer, first_whole in ((0, 24), (1, 32)):
        expected.fit(photos[:, :, first_whole:], mask[:, :, first_whole:])
        np.testing.assert_allclose(found.means[layer], expected.means[layer], atol=1e-4)


def test_the_teachers_components_are_found_on_pictures_of_any_size_that_is_trained_on(rng):
    """Multiples of 8, of which the coarser layer leaves the last rows and columns out."""
    teacher = TeacherComponents(build_teacher(_features()), components=3)
    photos = rng.normal(0, 0.3, (4, 40, 56, 3)).astype(np.float32)
    teacher.fit(photos, np.ones((4, 40, 56, 1), np.float32))
    assert teacher(photos).shape == (4, 5, 7, 6)
    assert all(mean.numpy().any() for mean in teacher.means)


def test_every_image_counts_alike_for_the_features_however_much_of_it_is_filler(rng):
    """So that devices with equal parts of a batch learn what one device would."""
    targets = rng.standard_normal((2, 4, 6, 10)).astype(np.float32)
    mask = np.ones((2, 32, 48, 1), np.float32)
    mask[1, :, 8:] = 0
    heads = GuidingHeads(build_glassnet(TINY), tapped_layers(TINY), channels={"features": 10})
    nothing = [tf.zeros((2, 4, 6, head.kernel.shape[2])) for head in heads.features]
    losses = [
        float(feature_loss(heads, [x[part] for x in nothing], targets[part], mask[part]))
        for part in (slice(0, 2), slice(0, 1), slice(1, 2))
    ]
    assert losses[0] == pytest.approx((losses[1] + losses[2]) / 2)
    assert losses[2] == pytest.approx(float((targets[1, :, :1] ** 2).mean()))


def test_heads_that_give_the_targets_have_no_feature_loss_and_heads_that_give_nothing_one(rng):
    """Whatever the size of the guided features."""
    targets = rng.standard_normal((1, 40, 40, 10)).astype(np.float32)
    targets /= np.sqrt((targets**2).mean(axis=-1, keepdims=True))
    heads = GuidingHeads(build_glassnet(TINY), tapped_layers(TINY), channels={"features": 10})
    guided = []
    for head, size in zip(heads.features, (0.1, 30.0), strict=True):
        channels = head.kernel.shape[2]
        # Of unit mean square over all channels they are larger in the ten that matter.
        head.kernel.assign(np.sqrt(10 / channels) * np.eye(channels, 10)[None, None])
        guided.append(size * tf.pad(targets, [[0, 0]] * 3 + [[0, channels - 10]]))
    mask = np.ones((1, 320, 320, 1), np.float32)
    nothing = [tf.zeros_like(x) for x in guided]
    assert float(feature_loss(heads, guided, targets, mask)) == pytest.approx(0, abs=1e-4)
    assert float(feature_loss(heads, nothing, targets, mask)) == pytest.approx(1)
    # Filler that would change the mean, over whole squares and over a pixel of one.
    mask[:, :, 160:] = mask[:, 0, 0] = 0
    targets[:, :, 20:] = targets[:, 0, 0] = 9
    assert float(feature_loss(heads, nothing, targets, mask)) == pytest.approx(1)
    assert float(feature_loss(heads, nothing, targets, np.zeros_like(mask))) == 0


def test_a_head_that_tells_each_squares_mean_defocus_has_no_defocus_loss(rng):
    """And one that gives nothing has the mean square of the targets."""
    per_square = rng.uniform(-1, 1, (2, 5, 6, 1)).astype(np.float32)
    within = np.where(np.arange(48) % 2, 0.3, -0.3).astype(np.float32)[None, None, :, None]
    defocus = np.kron(per_square, np.ones((1, 8, 8, 1), np.float32)) + within
    heads = GuidingHeads(build_glassnet(TINY), tapped_layers(TINY), channels={"defocus": 1})
    guided = []
    for head in heads.defocus:
        channels = head.kernel.shape[2]
        # The rest of the channels bring every place to unit mean square.
        rest = np.sqrt((channels - per_square**2) / (channels - 1)) * np.ones(channels - 1, np.float32)
        guided.append(tf.constant(np.concatenate([per_square, rest], axis=-1), tf.float32))
        head.kernel.assign(np.eye(channels, 1)[None, None])
    assert float(defocus_loss(heads, guided, defocus)) == pytest.approx(0, abs=1e-5)
    for head in heads.defocus:
        head.kernel.assign(tf.zeros_like(head.kernel))
    assert float(defocus_loss(heads, guided, defocus)) == pytest.approx(float((per_square**2).mean()), rel=1e-4)


def test_the_defocus_of_pairs_made_by_optics_is_learned_and_logged(tmp_path, corpus):
    guidance = GuidanceConfig(focus=0.0, features=0.0, defocus=100.0)
    config = dataclasses.replace(
        GUIDED, guidance=guidance, learning_rate=3e-3, phases=(Phase(60, 4, 32, 48),), image_steps=99
    )
    pairs = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(portrait_share=0.0), seed=1)
    Trainer(config, run=tmp_path, train_pairs=pairs, validation_pairs=GeneratedPairs(2)).train()
    losses = pd.read_csv(tmp_path / "losses.csv")["defocus"]
    # What the best constant leaves, of the squares that the task is about.
    defocus = np.concatenate([pairs.make_batch(index, size=4, height=32, width=48)[3] for index in range(20)])
    variance = tf.nn.avg_pool2d(defocus, 8, 8, padding="SAME").numpy().var()
    assert losses[-10:].mean() < variance / 2
    assert read_history(tmp_path)[-1]["guidance"] == {"focus": 0.0, "features": 0.0, "defocus": 100.0}


def test_photographed_pairs_cannot_guide_by_the_defocus(tmp_path):
    config = dataclasses.replace(
        GUIDED, guidance=GuidanceConfig(features=0.0, defocus=0.1), phases=(Phase(1, 1, 32, 48),)
    )
    with pytest.raises(ValueError, match=r"--set guidance\.defocus=0"):
        Trainer(config, run=tmp_path / "run", train_pairs=GeneratedPairs(1), validation_pairs=GeneratedPairs(2))
    assert not (tmp_path / "run").exists()


def test_the_defocus_is_signed_and_in_units_of_the_largest_radius():
    plane = np.zeros((1, 3), np.float32)
    unknown = Pair(np.zeros((1, 3, 3)), np.zeros((1, 3, 3)), plane + 1)
    known = dataclasses.replace(unknown, radius_px=np.array([[-2, 0, 4]], np.float32))
    np.testing.assert_array_equal(known.defocus, [[-0.5, 0, 1]])
    np.testing.assert_array_equal(dataclasses.replace(unknown, radius_px=plane).defocus, 0)
    assert np.isnan(unknown.defocus).all()


def test_runs_of_before_the_defocus_task_go_on_without_it(tmp_path):
    save_config(GUIDED, tmp_path / "config.json")
    record = json.loads((tmp_path / "config.json").read_text())
    del record["guidance"]["defocus"]
    (tmp_path / "config.json").write_text(json.dumps(record))
    assert load_config(tmp_path / "config.json").guidance.defocus == 0


def test_guidance_moves_its_heads_but_not_the_teacher(batch, rng):
    features = _features()
    learners = build_learners(GUIDED, features=features)
    randomise(learners.network, rng)
    learners.guide.teacher.fit(batch[0], batch[2])
    before = {weight.path: weight.numpy() for weight in [*learners.guide.heads.weights, *features.weights]}
    terms = build_step(learners, GUIDED)(batch, tf.constant(0, tf.int64))
    assert set(terms) >= {"l1", "focus", "features"}
    assert all(np.abs(weight.numpy() - before[weight.path]).max() > 0 for weight in learners.guide.heads.weights)
    assert all(np.abs(weight.numpy() - before[weight.path]).max() == 0 for weight in features.weights)


def test_where_the_focus_lies_is_soon_learned_when_nothing_else_counts(batch, rng):
    """The focus task's loss falls by half in a few steps of network and heads together."""
    config = dataclasses.replace(GUIDED, guidance=GuidanceConfig(focus=100.0, features=0.0), learning_rate=3e-3)
    learners = build_learners(config)
    step = tf.function(build_step(learners, config))
    losses = [float(step(batch, tf.constant(number, tf.int64))["focus"]) for number in range(40)]
    assert losses[-1] < losses[0] / 2


def test_the_trained_network_has_no_trace_of_the_guidance():
    learners = build_learners(GUIDED, features=_features())
    assert learners.network.count_params() == build_glassnet(TINY).count_params()
    assert len(learners.network.outputs) == 2


def test_a_run_finds_its_teachers_components_and_keeps_them_with_its_checkpoints(tmp_path):
    config = dataclasses.replace(GUIDED, phases=(Phase(1, 1, 32, 48),), checkpoint_steps=1, image_steps=9)
    sources = {"train_pairs": GeneratedPairs(1), "validation_pairs": GeneratedPairs(2), "features": _features()}
    first = Trainer(config, run=tmp_path, **sources)
    first.train()
    found, kept = (run.learners.guide.teacher for run in (first, Trainer(config, run=tmp_path, **sources)))
    for before, after in zip([*found.means, *found.projections], [*kept.means, *kept.projections], strict=True):
        assert before.numpy().any()
        np.testing.assert_array_equal(after, before)


@pytest.fixture
def stage_b():
    """Stage B guided as `guided-b` is, its critics small."""
    return dataclasses.replace(
        GUIDED,
        guidance=dataclasses.replace(CONFIGS["guided-b"].guidance, defocus=0.2),
        stage_b=StageB(critics=CriticsConfig(n_layers=(1,), channels=2)),
        learning_rate=1e-7,
        final_learning_rate=1e-7,
        beta_1=0.0,
    )


def test_in_stage_b_the_generator_learns_from_the_objective_and_from_its_guides(batch, rng, stage_b):
    """Beside a plain tape over both after the critics have learned."""
    photos, bokeh, mask, _ = batch
    defocus = tf.constant(rng.uniform(-1, 1, mask.shape), tf.float32)
    learners = build_learners(stage_b, features=_features())
    assert learners.guide.teacher is None
    for model in (learners.network, learners.guide.heads, *learners.critics):
        randomise(model, rng)
    start = learners.network.get_weights(), learners.guide.heads.get_weights()
    terms = build_step(learners, stage_b)((photos, bokeh, mask, defocus), tf.constant(0, tf.int64))
    learners.network.set_weights(start[0])
    learners.guide.heads.set_weights(start[1])
    taps = [learners.network.get_layer(name).output for name in tapped_layers(TINY)]
    tapped = keras.Model(learners.network.input, [*learners.network.outputs, *taps])
    with tf.GradientTape(persistent=True) as tape:
        images = tapped(photos, training=True)
        alone = build_objective(learners, stage_b)(images[:2], bokeh, mask)["total"]
        both = alone + learners.guide.loss(images[2:], (photos, bokeh, mask, defocus))["guidance"]
    variables = learners.network.trainable_variables
    unguided, guided = (float(tf.linalg.global_norm(tape.gradient(total, variables))) for total in (alone, both))
    assert float(terms["gradient_norm"]) == pytest.approx(guided, rel=1e-4)
    assert abs(guided - unguided) > 1e-3 * unguided


def test_stage_bs_heads_learn_from_nothing_while_its_network_stands_still(tmp_path, corpus, stage_b):
    """On the defocus too; at the generator's own rate they would stay where they were."""
    pairs = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(portrait_share=0.0), seed=1)
    first_and_last = {}
    for rate in (None, 3e-3):
        config = dataclasses.replace(
            stage_b,
            guidance=dataclasses.replace(stage_b.guidance, heads_learning_rate=rate),
            phases=(Phase(60, 2, 32, 48),),
            image_steps=99,
        )
        run = tmp_path / f"{rate}"
        trainer = Trainer(config, run=run, train_pairs=pairs, validation_pairs=GeneratedPairs(2), features=_features())
        trainer.train()
        losses = pd.read_csv(run / "losses.csv")
        assert np.isfinite(losses[["perceptual", "adversarial"]].to_numpy()).all()
        first_and_last[rate] = [losses[["focus", "defocus"]][part].mean() for part in (slice(0, 10), slice(-10, None))]
        assert read_history(run)[-1]["guidance"] == {"focus": 0.05, "features": 0.0, "defocus": 0.2}
    assert (first_and_last[3e-3][1] < 0.8 * first_and_last[None][1]).all()


def test_the_guiding_loss_of_a_batch_is_the_mean_of_its_parts(rng):
    """However unlike their textures are: the replicas' gradients are averaged."""
    photos = rng.uniform(-1, 1, (2, 32, 48, 3)).astype(np.float32)
    photos[1, :, 12:] = 0.2
    planes = [photos, photos / 2, np.ones((2, 32, 48, 1)), rng.uniform(-1, 1, (2, 32, 48, 1))]
    batch = [tf.constant(plane, tf.float32) for plane in planes]
    config = dataclasses.replace(GUIDED, guidance=GuidanceConfig(features=0.0, defocus=0.1))
    guide = build_learners(config).guide
    guided = [
        tf.constant(rng.standard_normal((2, 4, 6, head.kernel.shape[2])), tf.float32) for head in guide.heads.focus
    ]
    randomise(guide.heads, rng)
    whole = guide.loss(guided, tuple(batch))
    parts = [guide.loss([x[i : i + 1] for x in guided], tuple(plane[i : i + 1] for plane in batch)) for i in (0, 1)]
    assert float(parts[0]["focus"]) != pytest.approx(float(parts[1]["focus"]), rel=0.1)
    for name, value in whole.items():
        assert float(value) == pytest.approx(np.mean([float(part[name]) for part in parts]), rel=1e-5)


def test_guidance_without_its_teacher_is_refused():
    with pytest.raises(ValueError, match="needs a feature network"):
        build_learners(GUIDED)


def test_guidance_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="one of them positive"):
        GuidanceConfig(focus=0.0, features=0.0)
    with pytest.raises(ValueError, match="heads_learning_rate must be positive"):
        GuidanceConfig(heads_learning_rate=0.0)
    with pytest.raises(ValueError, match="whole pictures"):
        GuidanceConfig(teacher=PerceptualConfig(downscale=2))
    with pytest.raises(ValueError, match=r"features must be 0 in stage B.* got 0\.05"):
        dataclasses.replace(GUIDED, stage_b=StageB())
