"""What every test shares: quiet TensorFlow, one seed, a generated corpus."""

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2020)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """Twelve textured photos with a round subject before a receding ground, in the corpus layout."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(7)
    for part in ("photos", "mattes", "depth"):
        (folder / part).mkdir()
    rows = []
    for number in range(12):
        name, has_subject = f"generated_{number:03d}", number % 3 > 0
        photo = rng.integers(0, 256, (96, 144, 3), dtype=np.uint8)
        y, x = np.mgrid[:96, :144]
        disc = (np.hypot(x - 72, y - 55) < 24) & has_subject
        photo[disc] = photo[disc] // 2 + np.array([120, 20, 20], np.uint8)
        depth = np.where(disc, 180, 40 + y).astype(np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{name}.jpg"), photo)
        cv2.imwrite(str(folder / "mattes" / f"{name}.jpg"), disc.astype(np.uint8) * 255)
        cv2.imwrite(str(folder / "depth" / f"{name}.jpg"), cv2.resize(depth, (72, 48)))
        rows.append(
            {
                "name": name,
                "licence": "CC0",
                "attribution": "generated",
                "source_repo": "tests",
                "source_path": "conftest.py",
                "subject_fraction": disc.mean(),
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder
