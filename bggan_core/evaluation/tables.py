"""Scores as files: one CSV row for every method and pair, Markdown for people, and the paper's Table 1 beside ours."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from bggan_core.evaluation.methods import GAUSSIAN, ORACLE, TRUTH, UNPROCESSED
from bggan_core.evaluation.scoring import MEASURES, Distance, Score, Summary, gap_closed, summarise
from bggan_core.evaluation.sets import EvaluationSet

BASELINES = (UNPROCESSED, GAUSSIAN, ORACLE, TRUTH)

# Qian et al. 2020, Table 1: PSNR, SSIM and MOS on EBB!'s 200 hidden test pairs. None: not given.
PAPER_TABLE_1: tuple[tuple[str, float, float, float | None], ...] = (
    ("Dutta et al.", 22.14, 0.8778, None),
    ("xuehuapiaopiao-team", 22.97, 0.8758, 4.1),
    ("Terminator", 23.04, 0.8756, 4.1),
    ("CET_CVLab", 23.05, 0.8591, 3.2),
    ("Team Horizon", 23.27, 0.8818, 3.2),
    ("PyNET", 23.28, 0.8780, 4.1),
    ("Zheng et al.", 23.44, 0.8874, None),
    ("AIA-Smart", 23.55, 0.8829, 3.8),
    ("IPCV_IITM", 23.77, 0.8866, 2.5),
    ("BGGAN", 23.58, 0.8770, 4.2),
)


def record_csv(scores: Iterable[Score], path: Path) -> list[Score]:
    """Write every score as it is computed, and return them all.

    Columns are pair, method and the measures; a cell is empty where a picture does not allow a measure.
    """
    recorded = []
    with path.open("w", newline="", encoding="utf-8", buffering=1) as file:
        writer = csv.writer(file)
        writer.writerow(["pair", "method", *MEASURES])
        for score in scores:
            values = [score.values.get(measure, math.nan) for measure in MEASURES]
            writer.writerow(
                [score.pair, score.method, *("" if math.isnan(value) else f"{value:.6g}" for value in values)]
            )
            recorded.append(score)
    return recorded


def write_report(scores: Sequence[Score], evaluated: EvaluationSet, *, distance: Distance | None) -> str:
    """Write the table of a set, how its baselines were fitted, and what the perceptual distance says."""
    headings = {"perceptual": distance.name} if distance else None
    table = to_markdown(summarise(scores), protocol=evaluated.protocol, headings=headings)
    return "\n".join([table, *evaluated.notes, *_perceptual_notes(scores, distance)]) + "\n"


def to_markdown(summaries: Sequence[Summary], *, protocol: str, headings: dict[str, str] | None = None) -> str:
    """Write a table of means and intervals with its protocol above it.

    A measure that fewer pictures allowed than were rendered says how many in its cell.

    Args:
        headings: Headings to use instead of those of `MEASURES`.
    """
    shown = [measure for measure in MEASURES if any(measure in summary.estimates for summary in summaries)]
    titles = [(headings or {}).get(measure, MEASURES[measure][0]) for measure in shown]
    lines = [f"Protocol: {protocol}.", "", f"| Method | {' | '.join(titles)} | n |", "|---" * (len(shown) + 2) + "|"]
    for summary in summaries:
        cells = [_cell(summary, measure) for measure in shown]
        lines.append(f"| {summary.method} | {' | '.join(cells)} | {summary.images} |")
    return "\n".join(lines) + "\n"


def table_1(summaries: Sequence[Summary], *, protocol: str) -> str:
    """Write the scores in the form of the paper's Table 1, with the paper's figures marked as such.

    Its figures are of EBB!'s hidden test pairs under the challenge's protocol; only their order of size compares.
    """
    ours = [
        f"| {summary.method} | {_cell(summary, 'psnr_db')} | {_cell(summary, 'ssim')} | - | here |"
        for summary in summaries
        if "psnr_db" in summary.estimates
    ]
    papers = [
        f"| {method} | {psnr:.2f} | {ssim:.4f} | {'-' if mos is None else f'{mos:.1f}'} | the paper's, on EBB! |"
        for method, psnr, ssim, mos in PAPER_TABLE_1
    ]
    lines = [
        f"Rows marked *here*: {protocol}. Rows marked *the paper's* are copied from Qian et al. 2020, Table 1: EBB!'s "
        "200 hidden test pairs, which no one outside the challenge can score.",
        "",
        "| Method | PSNR (dB) | SSIM | MOS | Figures |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *ours, *papers]) + "\n"


def _perceptual_notes(scores: Sequence[Score], distance: Distance | None) -> list[str]:
    if distance is None:
        return ["- No perceptual distance: its network's weights were not given (`--perceptual-weights`)."]
    networks = [m for m in dict.fromkeys(score.method for score in scores) if m not in BASELINES]
    closed = {name: gap_closed(scores, name) for name in networks}
    return [
        f"- {name} closes {share.format(2)} of the gap in {distance.name} between the photo and the oracle."
        for name, share in closed.items()
        if share is not None
    ]


def _cell(summary: Summary, measure: str) -> str:
    estimate = summary.estimates.get(measure)
    if estimate is None:
        return "-"
    digits = MEASURES[measure][1]
    of_fewer = "" if estimate.images == summary.images else f" (n = {estimate.images})"
    return estimate.format(digits) + of_fewer
