"""Metrics against people: PSNR, SSIM or any other number per stimulus beside its MOS."""

from contextlib import suppress

import numpy as np
import pandas as pd

from study.statistics.errors import NotConverged
from study.statistics.metric_agreement import Estimate, MetricAgreement, fit_logistic, metric_agreement
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.opinion import mos_by_stimulus
from study.tables.screening import screened
from study.tables.votes import Analysis, StudyVotes

METRIC_COLUMNS = ("scene", "method", "metric", "value")
_MEASURES = ("PLCC", "SROCC", "KROCC", "RMSE")


def check_metrics(metrics: pd.DataFrame) -> pd.DataFrame:
    """The metrics' columns, one finite value for each stimulus and metric.

    Raises:
        ValueError: columns are missing, a value is no finite number, or a stimulus has two values of one metric.
    """
    missing = [name for name in METRIC_COLUMNS if name not in metrics]
    if missing:
        raise ValueError(f"metrics must have the columns {', '.join(METRIC_COLUMNS)}; {', '.join(missing)} missing")
    values = pd.to_numeric(metrics["value"], errors="coerce")
    if not np.isfinite(values).all():
        places = ", ".join(str(place) for place in np.flatnonzero(~np.isfinite(values))[:5])
        raise ValueError(f"metrics must have finite values; not so in the rows {places}")
    if metrics.duplicated(["scene", "method", "metric"]).any():
        raise ValueError("metrics must have one value for each scene, method and metric")
    return metrics[list(METRIC_COLUMNS)].assign(value=values.astype(np.float64))


def metric_stimuli(votes: StudyVotes, metrics: pd.DataFrame, analysis: Analysis | None = None) -> pd.DataFrame:
    """Every stimulus with its MOS, each metric's value and what the fitted logistic curve expects there."""
    analysis = analysis or Analysis()
    of_stimuli = mos_by_stimulus(votes, analysis).drop(columns="message")
    merged = check_metrics(metrics).merge(of_stimuli, on=["scene", "method"], how="inner", sort=False)
    fitted = pd.Series(np.nan, index=merged.index)
    for _, of_metric in merged.groupby("metric", sort=False):
        with suppress(NotConverged, ValueError):  # too few stimuli, or no curve through them: the other table says so
            rated = of_metric.dropna(subset=["mos"])
            curve = fit_logistic(rated["value"].to_numpy(dtype=np.float64), rated["mos"].to_numpy(dtype=np.float64))
            fitted[of_metric.index] = curve(of_metric["value"].to_numpy(dtype=np.float64))
    rows = [
        {**{str(name): value for name, value in row.items()}, "fitted": curve, "message": ""}
        for row, curve in zip(merged.to_dict("records"), fitted, strict=True)
    ]
    numbers = ("value", "mos", "ci_low", "ci_high", "fitted")
    columns = ("metric", "scene", "method", *numbers, *COUNTS, *BASIS)
    kept = [{name: row[name] for name in columns} for row in rows]
    return frame_of(kept, words=("metric", "scene", "method", *BASIS[1:]), columns=columns)


def metrics_against_mos(votes: StudyVotes, metrics: pd.DataFrame, analysis: Analysis | None = None) -> pd.DataFrame:
    """PLCC (after a logistic fit), SROCC, KROCC and RMSE of every metric, with bootstrap intervals over scenes."""
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    of_stimuli = mos_by_stimulus(votes, analysis)[["scene", "method", "mos"]].dropna(subset=["mos"])
    merged = check_metrics(metrics).merge(of_stimuli, on=["scene", "method"], how="inner", sort=False)
    rows = []
    for metric in dict.fromkeys(metrics["metric"]):
        of_metric = merged[merged["metric"] == metric]
        result = _agreement(str(metric), of_metric, analysis)
        for row in _metric_rows(str(metric), len(of_metric), result):
            method = str(row.pop("ci_method"))
            rows.append({**counts(ratings), **basis(votes, analysis, ci_method=method, screening=rule), **row})
    words = ("metric", "measure", *BASIS[1:])
    columns = ("metric", "measure", "value", "ci_low", "ci_high", "n_stimuli", *COUNTS, *BASIS)
    return frame_of(rows, words=words, columns=columns)


def _agreement(metric: str, stimuli: pd.DataFrame, analysis: Analysis) -> MetricAgreement | str:
    """The measures of one metric, or why there are none; scenes are the bootstrap's clusters."""
    rated = stimuli.dropna(subset=["mos"])
    if rated.empty:
        return "no stimulus has both this metric and votes"
    return metric_agreement(
        rated["value"].to_numpy(dtype=np.float64),
        rated["mos"].to_numpy(dtype=np.float64),
        name=metric,
        clusters=list(rated["scene"]),
        resamples=analysis.resamples,
        seed=analysis.seed,
        confidence=analysis.confidence,
    )


def _metric_rows(metric: str, n_stimuli: int, result: MetricAgreement | str) -> list[dict[str, object]]:
    shared = {"metric": metric, "n_stimuli": n_stimuli}
    if isinstance(result, str):
        return [{**shared, "measure": name, "ci_method": "none", "message": result} for name in _MEASURES]
    estimates = dict(zip(_MEASURES, (result.plcc, result.srocc, result.krocc, result.rmse), strict=True))
    return [
        {
            **shared,
            "measure": name,
            "value": estimate.value,
            **ends(estimate.interval),
            "ci_method": estimate.interval.method,
            "message": _measure_message(name, result, estimate),
        }
        for name, estimate in estimates.items()
    ]


def _measure_message(measure: str, result: MetricAgreement, estimate: Estimate) -> str:
    """What a reader must know of one measure; ranks are not concerned by how the logistic fits."""
    needs_fit = measure in {"PLCC", "RMSE"} or result.resamples == 0
    return joined(result.message if needs_fit else None, estimate.interval.message)
