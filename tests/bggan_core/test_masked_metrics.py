import numpy as np
import pytest

from bggan_core.metrics import psnr, ssim


@pytest.fixture
def pictures(rng):
    return rng.uniform(0, 1, (2, 40, 48, 3)).astype(np.float32)


def test_what_lies_under_the_mask_has_no_say(pictures, rng):
    a, b = pictures
    mask = np.ones((40, 48), np.float32)
    mask[:9, :] = 0
    spoilt = a.copy()
    spoilt[:9] = rng.uniform(0, 1, (9, 48, 3))
    assert psnr(spoilt, b, mask) == psnr(a, b, mask)
    assert ssim(spoilt, b, mask) == ssim(a, b, mask)
    assert ssim(spoilt, b) != ssim(a, b)


def test_masking_a_border_is_cropping_it(pictures):
    a, b = pictures
    mask = np.zeros((40, 48), np.float32)
    mask[8:-8, 8:-8] = 1
    inner = np.s_[8:-8, 8:-8]
    assert psnr(a, b, mask) == pytest.approx(psnr(a[inner], b[inner]), abs=1e-9)
    assert ssim(a, b, mask) == pytest.approx(ssim(a[inner], b[inner]), abs=1e-9)


def test_a_full_mask_changes_nothing(pictures):
    a, b = pictures
    mask = np.ones((40, 48), np.float32)
    assert psnr(a, b, mask) == pytest.approx(psnr(a, b), abs=1e-9)
    assert ssim(a, b, mask) == pytest.approx(ssim(a, b), abs=1e-9)


def test_an_empty_mask_is_refused(pictures):
    a, b = pictures
    with pytest.raises(ValueError, match="mask is empty"):
        psnr(a, b, np.zeros((40, 48), np.float32))
    mask = np.zeros((40, 48), np.float32)
    mask[20, 20] = 1
    with pytest.raises(ValueError, match="no room"):
        ssim(a, b, mask)
