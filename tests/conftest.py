"""What every test shares: quiet TensorFlow, one seed."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2020)
