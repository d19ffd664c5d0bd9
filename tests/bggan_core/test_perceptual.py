import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate, gaussian_filter

from bggan_core.losses import perceptual_loss
from bggan_core.perceptual import (
    PerceptualConfig,
    PerceptualWeightsError,
    balancing_scale,
    build_feature_network,
    describe_features,
)
from tests.bggan_core.features import SHALLOW, write_random_vgg


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_random_vgg(tmp_path_factory.mktemp("vgg") / "vgg.npz", blocks=2)


def _convolve(image, archive, name):
    """A 3 x 3 correlation over zero padding with ReLU, one channel after another."""
    kernels, bias = archive[f"{name}_w"].astype(np.float64), archive[f"{name}_b"].astype(np.float64)
    maps = [
        sum(correlate(image[..., i], kernel[i], mode="constant") for i in range(image.shape[2])) for kernel in kernels
    ]
    return np.maximum(np.stack(maps, axis=2) + bias, 0)


def test_activations_are_those_of_the_convolutions_written_out(weights, rng):
    """BGR, 0-255, minus the training mean; two convolutions, a maximum over 2 x 2, one more convolution."""
    image = rng.uniform(-1, 1, (8, 12, 3)).astype(np.float32)
    x = (image[..., ::-1].astype(np.float64) + 1) * 127.5 - (104.00699, 116.66877, 122.67892)
    with np.load(weights) as archive:
        x = _convolve(_convolve(x, archive, "conv1_1"), archive, "conv1_2")
        x = x.reshape(4, 2, 6, 2, 64).max(axis=(1, 3))
        expected = 3.0 * _convolve(x, archive, "conv2_1")
    config = PerceptualConfig(network="vgg16-hed", layer="relu2_1", scale=3.0)
    features = build_feature_network(config, weights)(image[None])[0]
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-3)


def test_a_teacher_in_bfloat16_gives_nearly_the_same_features_in_float32(weights, rng):
    image = rng.uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    config = PerceptualConfig(network="vgg16-hed", layer="relu2_1")
    exact = build_feature_network(config, weights)(image)
    coarse = build_feature_network(config, weights, precision="mixed_bfloat16")(image)
    assert coarse.dtype == "float32"
    error = np.abs(coarse - exact).mean() / np.abs(exact).mean()
    assert 0 < error < 0.02


def test_the_perceptual_terms_gradient_points_the_same_way_in_bfloat16(weights, rng):
    """Two nearly equal pictures: the case where rounding could drown the difference."""
    target = gaussian_filter(rng.uniform(-1, 1, (1, 32, 48, 3)), (0, 1.5, 1.5, 0)).astype(np.float32)
    rendered, mask = tf.constant(gaussian_filter(target, (0, 0.7, 0.7, 0))), tf.ones((1, 32, 48, 1))

    def slope(precision):
        config = PerceptualConfig(network="vgg16-hed", layer="relu2_2")
        features = build_feature_network(config, weights, precision=precision)
        with tf.GradientTape() as tape:
            tape.watch(rendered)
            loss = perceptual_loss(features, rendered, target, mask)
        return tape.gradient(loss, rendered).numpy().ravel()

    exact, coarse = slope("float32"), slope("mixed_bfloat16")
    assert exact @ coarse / np.linalg.norm(exact) / np.linalg.norm(coarse) > 0.95
    assert not np.array_equal(exact, coarse)


def test_downscaling_averages_squares_first(weights, rng):
    image = rng.uniform(-1, 1, (1, 8, 12, 3)).astype(np.float32)
    halved = image.reshape(1, 4, 2, 6, 2, 3).mean(axis=(2, 4))
    half = PerceptualConfig(network="vgg16-hed", layer="relu1_2", downscale=2)
    np.testing.assert_allclose(
        build_feature_network(half, weights)(image), build_feature_network(SHALLOW, weights)(halved), atol=1e-3
    )


# Keras' own writing of weights meets NumPy 2's change of __array__.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_vgg19_of_eq_1_loads_keras_own_file_and_is_frozen(tmp_path):
    """The 34th layer of the paper is relu5_4; stride 16, 512 channels."""
    keras.utils.set_random_seed(3)
    original = keras.applications.VGG19(include_top=False, weights=None)
    original.save_weights(tmp_path / "vgg19.weights.h5")
    features = build_feature_network(PerceptualConfig(), tmp_path / "vgg19.weights.h5")
    assert not features.trainable_variables
    photo = np.random.default_rng(0).uniform(-1, 1, (1, 32, 48, 3)).astype(np.float32)
    prepared = keras.applications.vgg19.preprocess_input((photo + 1) * 127.5)
    reference = keras.Model(original.input, original.get_layer("block5_conv4").output)
    assert features(photo).shape == (1, 2, 3, 512)
    np.testing.assert_allclose(features(photo), reference(prepared), rtol=1e-4, atol=1e-4)


def test_without_a_way_to_the_weights_the_error_names_the_choices(monkeypatch):
    def no_network(*_args, **_kwargs):
        raise Exception("URL fetch failure")  # noqa: TRY002  as keras.utils.get_file does

    monkeypatch.setattr(keras.applications, "VGG19", no_network)
    with pytest.raises(PerceptualWeightsError) as error:
        build_feature_network(PerceptualConfig(), None)
    for choice in ("--perceptual-weights FILE", "vgg16-hed", "stage_b.weights.perceptual=0"):
        assert choice in str(error.value)


def test_the_alternative_network_is_never_downloaded():
    with pytest.raises(PerceptualWeightsError, match="--perceptual-weights FILE"):
        build_feature_network(SHALLOW, None)


def test_a_file_that_lacks_a_convolution_is_named(tmp_path, weights):
    deeper = PerceptualConfig(network="vgg16-hed", layer="relu3_1")
    with pytest.raises(PerceptualWeightsError, match=r"vgg\.npz: convolution 1 of block 3 .*found none"):
        build_feature_network(deeper, weights)
    with pytest.raises(PerceptualWeightsError, match=r"absent\.npz is no file"):
        build_feature_network(SHALLOW, tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(PerceptualWeightsError, match=r"text\.npz holds no weights"):
        build_feature_network(SHALLOW, tmp_path / "text.npz")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"network": "vgg11"}, "vgg19, vgg16-hed"),
        ({"network": "vgg16-hed"}, "relu5_4"),
        ({"scale": 0.0}, "positive"),
        ({"downscale": 0}, "at least 1"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(fault, message):
    with pytest.raises(ValueError, match=message):
        PerceptualConfig(**fault)


def test_the_balancing_scale_makes_the_terms_of_eq_3_equal():
    scale = balancing_scale(distance=0.04, l1=0.06)
    assert 0.1 * scale * 0.04 == pytest.approx(0.5 * 0.06)


def test_a_run_records_which_weights_it_compared_in(weights):
    record = describe_features(SHALLOW, weights)
    assert (record["network"], record["layer"], record["weights"]) == ("vgg16-hed", "relu1_2", "vgg.npz")
    assert len(str(record["weights_sha256"])) == 64
