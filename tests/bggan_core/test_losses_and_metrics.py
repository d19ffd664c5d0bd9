import numpy as np
import pytest
import tensorflow as tf

from bggan_core.metrics import psnr, ssim


@pytest.fixture
def two_images(rng):
    return rng.uniform(0, 1, (2, 24, 32, 3)).astype(np.float32)


def test_psnr_has_its_closed_form_for_a_constant_error():
    truth = np.full((8, 8, 3), 0.5, np.float32)
    assert psnr(truth + np.float32(0.1), truth) == pytest.approx(20.0, abs=1e-5)
    assert psnr(truth, truth) == np.inf


def test_ssim_agrees_with_tensorflows(two_images):
    a, b = two_images[0], (two_images[0] + 0.3 * two_images[1]) / 1.3
    expected = float(tf.image.ssim(a[None], b[None], max_val=1.0)[0])
    assert ssim(a, b) == pytest.approx(expected, abs=1e-5)


def test_ssim_needs_room_for_its_window():
    with pytest.raises(ValueError, match="11 pixels"):
        ssim(np.zeros((10, 20, 3), np.float32), np.zeros((10, 20, 3), np.float32))


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        psnr(np.zeros((4, 4, 3), np.float32), np.zeros((4, 5, 3), np.float32))
