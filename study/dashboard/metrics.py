"""Metrics of a study's own pictures against their ground truth, beside what raters say of them.

PSNR and SSIM are computed from the stored pictures, once, in the background: SSIM takes about .4 s a megapixel, which
no page should wait for. Anything else, such as a perceptual distance, may stand in a file of the data folder,
`metrics/NAME.csv` with the columns scene, method, metric, value.
"""

import io
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from bggan_core.metrics import psnr, ssim
from study.dashboard.drilldown import PictureNames
from study.export.metrics_file import read_metrics
from study.records import StudyRecord
from study.tables import check_metrics
from study.tables.metrics import METRIC_COLUMNS

_PSNR, _SSIM = "PSNR (dB)", "SSIM"
_SSIM_SIDE = 11  # pixels of its window


@dataclass(frozen=True, eq=False)
class MetricTables:
    """Metrics beside MOS, and what is to be said about them.

    Attributes:
        stimuli: The table `metric_stimuli`.
        agreement: The table `metrics_against_mos`.
        remarks: What is missing, and why.
        key: Changes with the values.
    """

    stimuli: pd.DataFrame
    agreement: pd.DataFrame
    remarks: tuple[str, ...]
    key: int


class PictureMetrics:
    """The metrics of all studies; computed ones are kept in the folder, as pictures are frozen with their study."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._states: dict[str, str] = {}  # study's sha256 -> how far the computation is

    def values(
        self, study: StudyRecord, names: PictureNames, read: Callable[[str], bytes]
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """All metrics there are, as columns scene, method, metric, value, and what is to be said about them.

        The first call for a study begins the computation and returns at once.

        Args:
            study: Whose metrics.
            names: Its stored pictures.
            read: Gives a stored picture's bytes.
        Raises:
            ValueError: the researcher's own file is not valid.
        """
        path = self._folder / f"computed-{study.sha256}.csv"
        if path.exists():
            computed = read_metrics(path.read_bytes())
            remarks = _equal_to_truth(study, computed)
        else:
            computed = _nothing()
            remarks = (self._begun(study, names, read, path),)
        parts = [part for part in (computed, _own(self._folder / f"{study.name}.csv")) if len(part)]
        return (check_metrics(pd.concat(parts, ignore_index=True)) if parts else computed), remarks

    def _begun(self, study: StudyRecord, names: PictureNames, read: Callable[[str], bytes], path: Path) -> str:
        """Begin the computation unless it runs, and say how far it is."""
        with self._lock:
            if study.sha256 not in self._states:
                self._states[study.sha256] = "PSNR and SSIM are being computed; they appear here by themselves."
                threading.Thread(target=self._compute, args=(study, names, read, path), daemon=True).start()
            return self._states[study.sha256]

    def _compute(self, study: StudyRecord, names: PictureNames, read: Callable[[str], bytes], path: Path) -> None:
        rows: list[tuple[str, str, str, float]] = []
        total = len(study.scenes) * len(study.methods)
        try:
            for scene in study.scenes:
                truth = _pixels(read(names[scene, None]))
                for method in study.methods:
                    rows += _measured(scene, method, _pixels(read(names[scene, method])), truth)
                    self._states[study.sha256] = f"PSNR and SSIM are being computed, about {len(rows) // 2} of {total}."
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            pd.DataFrame(rows, columns=list(METRIC_COLUMNS)).to_csv(partial, index=False)
            partial.replace(path)
        except (OSError, ValueError) as error:  # nobody waits for this thread: the page must say it
            self._states[study.sha256] = f"PSNR and SSIM could not be computed: {error}"


def _measured(scene: str, method: str, picture: np.ndarray, truth: np.ndarray) -> list[tuple[str, str, str, float]]:
    """PSNR where it is finite, SSIM where its window fits."""
    in_decibel = psnr(picture, truth)
    rows = [] if math.isinf(in_decibel) else [(scene, method, _PSNR, in_decibel)]
    if min(truth.shape[:2]) >= _SSIM_SIDE:
        rows.append((scene, method, _SSIM, ssim(picture, truth)))
    return rows


def _equal_to_truth(study: StudyRecord, computed: pd.DataFrame) -> tuple[str, ...]:
    measured = set(computed.loc[computed["metric"] == _PSNR, ["scene", "method"]].itertuples(index=False, name=None))
    equal = [method for method in study.methods if any((scene, method) not in measured for scene in study.scenes)]
    return tuple(f"{method} equals the ground truth in some scene; there it has no PSNR." for method in equal)


def _own(path: Path) -> pd.DataFrame:
    """The researcher's metrics; none without a file."""
    try:
        return read_metrics(path.read_bytes())
    except FileNotFoundError:
        return _nothing()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be opened: {error.strerror}") from error


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(METRIC_COLUMNS))


def _pixels(png: bytes) -> np.ndarray:
    """A stored picture as float32 [H, W, 3] in [0, 1]."""
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
