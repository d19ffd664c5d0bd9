import numpy as np
import pytest
import tensorflow as tf

from bggan_core.critics import CriticsConfig, build_critic, build_critics, receptive_field

NARROW = CriticsConfig(channels=2)


def test_the_default_fields_are_70_and_286_pixels():
    """Isola et al. 2017, app. 6.1.2, name 70 and 286 for three and five strided layers."""
    assert [receptive_field(n) for n in CriticsConfig().n_layers] == [70, 286]
    assert [receptive_field(n) for n in (1, 2, 4)] == [16, 34, 142]


@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
def test_a_score_changes_with_the_pixels_of_its_field_and_no_others(n_layers, rng):
    """The gradient of one score by the image is non-zero on exactly a square of the field's side."""
    field = receptive_field(n_layers)
    side = -(-(2 * field + 40) // 32) * 32
    critic = build_critic(n_layers, NARROW)
    # All positive: nothing cancels and no ReLU is silent, so every pixel of the field shows.
    critic.set_weights([np.abs(rng.normal(0.5, 0.1, w.shape)) for w in critic.get_weights()])
    image = tf.ones((1, side, side, 3))
    with tf.GradientTape() as tape:
        tape.watch(image)
        scores = critic(image)
        middle = scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]
    seen = np.abs(np.asarray(tape.gradient(middle, image))[0]).sum(axis=2) > 0
    rows, columns = np.where(seen.any(axis=1))[0], np.where(seen.any(axis=0))[0]
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (field, field)
    assert seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert rows[0] > 0
    assert rows[-1] < side - 1


def test_the_papers_critics_have_pix2pixs_widths_and_one_score_channel():
    """C64-C128-C256-C512 and a 4 x 4 head: 2,764,737 parameters without normalisation (no batch norm, all biases)."""
    shallow, deep = build_critics(CriticsConfig())
    kernels = [tuple(layer.kernel.shape) for layer in shallow.layers if hasattr(layer, "kernel")]
    assert kernels == [(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256), (4, 4, 256, 512), (4, 4, 512, 1)]
    assert shallow.count_params() == sum(16 * i * o + o for _, _, i, o in kernels)
    assert deep(tf.zeros((1, 64, 96, 3))).shape == (1, 2, 3, 1)
    assert (shallow.name, deep.name) == ("critic_70", "critic_286")


def test_layer_normalisation_is_kept_from_the_first_layer_and_from_the_head(rng):
    """The first layer must see how bright a picture is; and no image may see another."""
    critic = build_critic(2, CriticsConfig(channels=2, normalization="layer"))
    kinds = [
        type(layer).__name__ for layer in critic.layers if type(layer).__name__ in ("Conv2D", "GroupNormalization")
    ]
    assert kinds == ["Conv2D", "Conv2D", "GroupNormalization", "Conv2D", "GroupNormalization", "Conv2D"]
    images = rng.uniform(-1, 1, (2, 32, 48, 3)).astype(np.float32)
    np.testing.assert_allclose(critic(images)[:1], critic(images[:1]), atol=1e-5)


@pytest.mark.parametrize("fault", [{"n_layers": ()}, {"n_layers": (3, 3)}, {"channels": 0}, {"normalization": "batch"}])
def test_settings_that_mean_nothing_are_refused(fault):
    with pytest.raises(ValueError, match=next(iter(fault))):
        CriticsConfig(**fault)
