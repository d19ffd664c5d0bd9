import keras
import numpy as np
import pytest

from bggan_core.layers import EPSILON, InstanceNormalization


def test_both_forms_equal_the_equations_on_random_maps(rng):
    """Eq. 4-6, written again in NumPy in double precision."""
    x = rng.normal(3, 2, (2, 6, 10, 4)).astype(np.float32)
    centred = x - x.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    expected = centred / np.sqrt((centred**2).mean(axis=(1, 2), keepdims=True) + EPSILON)
    for form in ("moments", "pooled"):
        np.testing.assert_allclose(InstanceNormalization(form=form)(x), expected, atol=1e-5)


def test_the_pooled_form_refuses_an_unknown_size():
    with pytest.raises(ValueError, match="static height and width"):
        InstanceNormalization(form="pooled")(keras.Input((None, 8, 2)))


def test_an_unknown_form_is_named():
    with pytest.raises(ValueError, match="'sums'"):
        InstanceNormalization(form="sums")
