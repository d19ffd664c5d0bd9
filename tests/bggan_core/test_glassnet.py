import numpy as np
import pytest

from bggan_core.glassnet import GlassNetConfig, build_glassnet
from bggan_core.growth import widen
from tests.bggan_core.networks import TINY, randomise


def test_the_default_is_the_papers_size():
    """About 15.5 million: 16 and 32 channels, 9 blocks a stage, a mirror for every encoder map."""
    assert build_glassnet(GlassNetConfig()).count_params() == 15_487_590


def test_every_encoder_map_reaches_its_mirror():
    network = build_glassnet(TINY)
    for stage in ("stage1", "stage2"):
        sources = {0: f"{stage}_head", 1: f"{stage}_down1", 2: f"{stage}_down2", 3: f"{stage}_down3"}
        for level, source in sources.items():
            inputs = network.get_layer(f"{stage}_skip{level}").input
            assert network.get_layer(source).output in inputs


def test_stage_2_sees_the_rough_result_and_the_residual():
    network = build_glassnet(TINY)
    rough, residual = network.get_layer("stage2_input").input
    assert rough is network.outputs[1]
    assert residual is network.get_layer("stage1_tanh").output


def test_both_outputs_have_the_photos_size_in_either_orientation(tiny_network, rng):
    for height, width in ((32, 48), (48, 32)):
        for image in tiny_network(rng.uniform(-1, 1, (2, height, width, 3)).astype(np.float32)):
            assert image.shape == (2, height, width, 3)


def test_a_fresh_residual_network_returns_its_input(rng):
    photo = rng.uniform(-1, 1, (1, 16, 24, 3)).astype(np.float32)
    final, rough = build_glassnet(TINY)(photo)
    np.testing.assert_array_equal(final, photo)
    np.testing.assert_array_equal(rough, photo)


def test_direct_output_is_a_tanh_and_residual_adds_the_rough_result(rng):
    photo = rng.uniform(-1, 1, (1, 16, 24, 3)).astype(np.float32)
    networks = {}
    for output in ("direct", "residual"):
        config = GlassNetConfig(stage1_channels=2, stage2_channels=2, residual_blocks=1, output=output)
        networks[output] = build_glassnet(config)
    randomise(networks["direct"], rng)
    networks["residual"].set_weights(networks["direct"].get_weights())
    direct, rough = networks["direct"](photo)
    residual, _ = networks["residual"](photo)
    assert np.abs(direct).max() <= 1
    np.testing.assert_allclose(residual, rough + direct, atol=1e-6)


def test_normalisations_differ(rng):
    photo = rng.uniform(-1, 1, (2, 16, 24, 3)).astype(np.float32)
    outputs = []
    for normalization in ("instance", "batch", "none"):
        config = GlassNetConfig(2, 2, 1, normalization=normalization)
        network = build_glassnet(config)
        randomise(network, np.random.default_rng(0))
        outputs.append(np.asarray(network(photo, training=True)[0]))
    assert all(np.abs(a - b).max() > 1e-3 for a, b in [(outputs[0], outputs[1]), (outputs[0], outputs[2])])


@pytest.mark.parametrize("fault", [{"output": "tanh"}, {"stage1_channels": 0}, {"normalization": "layer"}])
def test_a_config_that_means_nothing_is_refused(fault):
    with pytest.raises(ValueError, match=next(iter(fault))):
        GlassNetConfig(**fault)


def test_a_static_size_that_does_not_halve_three_times_is_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        build_glassnet(TINY, image_size=(30, 48))


def test_a_widened_network_computes_what_the_narrow_one_does(tiny_network, rng):
    wide = build_glassnet(GlassNetConfig(4, 4, 2, output="residual"))
    widen(tiny_network, wide, noise=0)
    photo = rng.uniform(-1, 1, (1, 32, 48, 3)).astype(np.float32)
    for narrow_image, wide_image in zip(tiny_network(photo), wide(photo), strict=True):
        np.testing.assert_allclose(wide_image, narrow_image, atol=2e-5)


def test_widening_to_other_than_twice_the_channels_is_refused(tiny_network):
    with pytest.raises(ValueError, match="twice the channels"):
        widen(tiny_network, build_glassnet(GlassNetConfig(6, 6, 2, output="residual")))
