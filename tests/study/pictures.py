"""Small generated studies: textured pictures, one folder per method."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def write_study_folder(
    folder: Path,
    *,
    scenes: Sequence[str] = ("bench", "harbour", "orchid"),
    methods: Sequence[str] = ("glassnet", "unprocessed"),
    size: tuple[int, int] = (48, 32),
) -> Path:
    """Write ground truth and methods as PNG files of random pixels, no two alike; size is (width, height)."""
    rng = np.random.default_rng(11)
    for subfolder in ("ground_truth", *methods):
        (folder / subfolder).mkdir(parents=True)
        for scene in scenes:
            write_picture(folder / subfolder / f"{scene}.png", rng=rng, size=size)
    return folder


def write_picture(path: Path, *, rng: np.random.Generator, size: tuple[int, int] = (48, 32), **options: object) -> None:
    """Write random pixels; options go to Pillow's writer."""
    Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path, **options)
