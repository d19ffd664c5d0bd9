import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate1d, minimum_filter

from bggan_core.losses import (
    HybridWeights,
    StageALoss,
    adversarial_loss,
    critic_free_loss,
    critic_gap,
    gradient_penalty,
    hybrid_loss,
    l1_loss,
    perceptual_loss,
    ssim_loss,
)


@pytest.fixture
def images(rng):
    """A rendering, its ground truth and a mask without a corner and a column."""
    rendered, target = rng.uniform(-1, 1, (2, 3, 24, 32, 3)).astype(np.float32)
    mask = np.ones((3, 24, 32, 1), np.float32)
    mask[0, :6, :9] = 0
    mask[1, :, :3] = 0
    return rendered, 0.7 * rendered + 0.3 * target, mask


def _ssim_map(x, y):
    """Wang et al. 2004 in double precision, for one image of range 2, where the window fits wholly."""

    def window(image):
        kernel = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
        for axis in (0, 1):
            image = correlate1d(image, kernel / kernel.sum(), axis=axis)
        return image[5:-5, 5:-5]

    x, y = x.astype(np.float64), y.astype(np.float64)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    mx, my = window(x), window(y)
    vx, vy, cov = window(x * x) - mx**2, window(y * y) - my**2, window(x * y) - mx * my
    return ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean(axis=2)


def test_l1_is_the_mean_over_images_of_the_mean_where_the_mask_counts(images):
    rendered, target, mask = images
    expected = np.mean(
        [np.abs(r - t)[m[..., 0] == 1].mean(dtype=np.float64) for r, t, m in zip(rendered, target, mask, strict=True)]
    )
    assert float(l1_loss(*images)) == pytest.approx(expected, rel=1e-5)


def test_ssim_counts_the_windows_that_lie_wholly_within_the_mask(images):
    values = []
    for rendered, target, mask in zip(*images, strict=True):
        whole = minimum_filter(mask[..., 0], size=11)[5:-5, 5:-5] == 1
        values.append((1 - _ssim_map(rendered, target))[whole].mean())
    assert float(ssim_loss(*images)) == pytest.approx(np.mean(values), abs=1e-5)


def test_an_image_that_is_all_filler_weighs_nothing(images):
    rendered, target, mask = images
    mask = mask * np.array([0, 1, 1], np.float32)[:, None, None, None]
    assert float(l1_loss(rendered, target, mask)) == pytest.approx(
        float(l1_loss(rendered[1:], target[1:], mask[1:])) * 2 / 3, rel=1e-5
    )


def test_perceptual_is_the_mean_absolute_difference_of_feature_maps(images):
    """Eq. 1 with a feature network whose maps NumPy can write: two mixtures of the channels, every other pixel."""
    weights = np.array([[1.0, -2.0], [0.5, 1.0], [3.0, 0.0]], np.float32)
    rendered, target, mask = images
    expected = np.abs(((rendered - target) * mask)[:, ::2, ::2] @ weights).mean(dtype=np.float64)
    loss = perceptual_loss(lambda x: tf.tensordot(x[:, ::2, ::2], weights, 1), *map(tf.constant, images))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["l1", "ssim", "perceptual"])
def test_what_lies_under_the_mask_changes_no_loss_and_gets_no_gradient(images, rng, loss):
    functions = {
        "l1": l1_loss,
        "ssim": ssim_loss,
        "perceptual": lambda *planes: perceptual_loss(lambda x: x[:, ::2] ** 2, *planes),
    }
    rendered, target, mask = map(tf.constant, images)
    noise = rng.uniform(-1, 1, rendered.shape).astype(np.float32) * (1 - mask)
    with tf.GradientTape() as tape:
        tape.watch(rendered)
        clean = functions[loss](rendered, target, mask)
    assert float(functions[loss](rendered + noise, target - noise, mask)) == pytest.approx(float(clean), rel=1e-6)
    gradient = np.asarray(tape.gradient(clean, rendered))
    assert np.abs(gradient * (1 - images[2])).max() == 0
    assert np.abs(gradient).max() > 0


def test_the_adversarial_loss_and_the_gap_are_means_of_score_maps(rng):
    """Eq. 2, and the Wasserstein distance a critic estimates."""
    fake, real = rng.normal(size=(2, 2, 4, 6, 1)).astype(np.float32)
    assert float(adversarial_loss(fake)) == pytest.approx(-fake.mean(dtype=np.float64), abs=1e-6)
    assert float(critic_gap(real, fake)) == pytest.approx(
        real.mean(dtype=np.float64) - fake.mean(dtype=np.float64), abs=1e-6
    )


def test_the_penalty_of_a_linear_critic_has_its_closed_form(images, rng):
    """D(x) = <w, x> has slope w everywhere, so the penalty is (|w| - 1)^2."""
    real, fake, _ = map(tf.constant, images)
    slope = rng.normal(size=real.shape[1:]).astype(np.float32)
    mix = rng.uniform(size=(3, 1, 1, 1)).astype(np.float32)

    def linear(w):
        return lambda x: tf.reduce_sum(x * w, axis=(1, 2, 3))

    norm = np.sqrt((slope.astype(np.float64) ** 2).sum())
    assert float(gradient_penalty(linear(slope), real, fake, mix=mix)) == pytest.approx((norm - 1) ** 2, rel=1e-5)
    assert float(gradient_penalty(linear(slope / norm), real, fake, mix=mix)) == pytest.approx(0, abs=1e-9)


def test_the_penalty_is_taken_between_real_and_fake(images):
    """D(x) = |x|^2 / 2 has slope x, so the penalty shows where it was taken."""
    real, fake, _ = images
    mix = np.array([0.0, 0.25, 1.0], np.float32)[:, None, None, None]
    between = mix * real + (1 - mix) * fake
    expected = ((np.sqrt((between.astype(np.float64) ** 2).sum(axis=(1, 2, 3))) - 1) ** 2).mean()
    penalty = gradient_penalty(
        lambda x: tf.reduce_sum(x * x, axis=3) / 2, tf.constant(real), tf.constant(fake), mix=mix
    )
    assert float(penalty) == pytest.approx(expected, rel=1e-5)


def test_the_penalty_refuses_images_of_two_shapes():
    with pytest.raises(ValueError, match="one shape"):
        gradient_penalty(lambda x: x, tf.zeros((1, 8, 8, 3)), tf.zeros((1, 8, 9, 3)), mix=tf.zeros((1, 1, 1, 1)))


def test_stage_a_is_the_weighted_sum_of_its_terms(images):
    rendered, target, mask = images
    terms = StageALoss(ssim_weight=0.5, rough_weight=2.0)(rendered, rendered * 0.5, target, mask)
    values = {name: float(term) for name, term in terms.items()}
    assert values["total"] == pytest.approx(values["l1"] + 0.5 * values["ssim"] + 2 * values["rough_l1"], rel=1e-6)
    assert values["rough_l1"] != values["l1"]


def test_the_hybrid_losses_have_the_papers_factors():
    """Eq. 3: 0.5 L1 + 0.05 SSIM + 0.1 VGG + adv; eq. 7 is the same without adv."""
    terms = {"l1": 2.0, "ssim": 3.0, "perceptual": 5.0, "rough_l1": 7.0, "adversarial": 11.0}
    assert critic_free_loss(terms, HybridWeights()) == pytest.approx(0.5 * 2 + 0.05 * 3 + 0.1 * 5)
    assert hybrid_loss(terms, HybridWeights()) == pytest.approx(0.5 * 2 + 0.05 * 3 + 0.1 * 5 + 11)
    assert critic_free_loss(terms, HybridWeights(rough=0.15)) == pytest.approx(0.5 * 2 + 0.05 * 3 + 0.1 * 5 + 1.05)
