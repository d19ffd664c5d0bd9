import pytest

from bggan_core.glassnet import build_glassnet
from tests.bggan_core.networks import TINY, randomise


@pytest.fixture
def tiny_network(rng):
    network = build_glassnet(TINY)
    randomise(network, rng)
    return network
