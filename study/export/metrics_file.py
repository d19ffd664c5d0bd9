"""Metrics of the stimuli from a CSV file: one value a line."""

import io

import pandas as pd

from study.export.cells import unguard_formula
from study.tables import check_metrics


def read_metrics(content: bytes) -> pd.DataFrame:
    """Metrics from CSV with the columns scene, method, metric and value.

    Raises:
        ValueError: no such CSV, or values that cannot be used.
    """
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"the metrics are no CSV file in UTF-8: {error}") from error
    names = [name for name in ("scene", "method", "metric") if name in frame]
    return check_metrics(frame.assign(**{name: frame[name].map(unguard_formula) for name in names}))
