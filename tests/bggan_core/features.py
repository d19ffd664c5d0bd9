"""A VGG whose first convolutions are random, as a weights file."""

from pathlib import Path

import numpy as np

from bggan_core.perceptual import PerceptualConfig

SHALLOW = PerceptualConfig(network="vgg16-hed", layer="relu1_2")


def write_random_vgg(path: Path, *, blocks: int = 1) -> Path:
    """Write the first blocks' two convolutions in the .npz form."""
    rng = np.random.default_rng(5)
    tensors, inputs = {}, 3
    for block in range(1, blocks + 1):
        for number in (1, 2):
            outputs = 64 * 2 ** (block - 1)
            tensors[f"conv{block}_{number}_w"] = rng.normal(0, (inputs * 9) ** -0.5, (outputs, inputs, 3, 3))
            tensors[f"conv{block}_{number}_b"] = rng.normal(0, 0.1, outputs)
            inputs = outputs
    np.savez(path, **{name: tensor.astype(np.float16) for name, tensor in tensors.items()})
    return path
