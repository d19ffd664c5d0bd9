"""Metrics of a study's own pictures against their ground truth, beside what raters say of them.

PSNR and SSIM are computed from the stored pictures. Anything else, such as a perceptual distance, may stand in a file
of the data folder, `metrics/NAME.csv` with the columns scene, method, metric, value.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from bggan_core.metrics import psnr, ssim
from study.dashboard.drilldown import PictureNames
from study.records import StudyRecord
from study.tables import METRIC_COLUMNS

LARGEST_MEGAPIXELS = 60  # of all pictures together; SSIM takes about .4 s a megapixel
_SSIM_SIDE = 11  # pixels of its window


@dataclass(frozen=True, eq=False)
class MetricTables:
    """Metrics beside MOS, and what is to be said about them.

    Attributes:
        stimuli: The table `metric_stimuli`.
        agreement: The table `metrics_against_mos`.
        remarks: What was left out, and why.
    """

    stimuli: pd.DataFrame
    agreement: pd.DataFrame
    remarks: tuple[str, ...]


def measure_pictures(
    study: StudyRecord, names: PictureNames, read: Callable[[str], bytes]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """PSNR and SSIM of every stimulus, as columns scene, method, metric, value, and remarks on what has none.

    Args:
        study: Whose pictures.
        names: Its stored pictures.
        read: Gives a stored picture's bytes.
    """
    truths = {scene: _pixels(read(names[scene, None])) for scene in study.scenes}
    megapixels = sum(truth.shape[0] * truth.shape[1] for truth in truths.values()) * len(study.methods) / 1e6
    if megapixels > LARGEST_MEGAPIXELS:
        remark = (
            f"PSNR and SSIM are not computed here for {megapixels:.0f} megapixels of pictures "
            f"(more than {LARGEST_MEGAPIXELS}); put them into metrics/{study.name}.csv of the data folder."
        )
        return pd.DataFrame(columns=list(METRIC_COLUMNS)), (remark,)
    rows: list[tuple[str, str, str, float]] = []
    equal = set()
    for scene, truth in truths.items():
        for method in study.methods:
            picture = _pixels(read(names[scene, method]))
            in_decibel = psnr(picture, truth)
            if math.isinf(in_decibel):
                equal.add(method)
                continue
            rows.append((scene, method, "PSNR (dB)", in_decibel))
            if min(truth.shape[:2]) >= _SSIM_SIDE:
                rows.append((scene, method, "SSIM", ssim(picture, truth)))
    remarks = tuple(
        f"{method} equals the ground truth in some scene; there it has no PSNR." for method in sorted(equal)
    )
    return pd.DataFrame(rows, columns=list(METRIC_COLUMNS)), remarks


def metrics_file(folder: Path, study: StudyRecord) -> pd.DataFrame | None:
    """The researcher's own metrics of a study, as they stand in the file; None where there is none."""
    path = folder / f"{study.name}.csv"
    return pd.read_csv(path, dtype={"scene": str, "method": str, "metric": str}) if path.exists() else None


def _pixels(png: bytes) -> np.ndarray:
    """A stored picture as float32 [H, W, 3] in [0, 1]."""
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
