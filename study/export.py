"""Tables for researchers: every vote as one tidy row, and MOS per method, each saying what it rests on."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from study.records import ChainedVote, StudyRecord
from study.statistics import mean_opinion_score

SCREENING_RULE = "none"
CI_METHOD = "t interval over all votes of the method, N - 1 degrees of freedom, votes taken as independent"
_VOTE_COLUMNS = (
    "study", "study_sha256", "ordinal", "rater", "position", "scene", "method", "value", "response_ms",
    "viewport_width", "viewport_height", "device_pixel_ratio", "presented_at", "voted_at", "previous_sha256", "sha256",
)  # fmt: skip


def votes_table(study: StudyRecord, votes: Sequence[ChainedVote]) -> pd.DataFrame:
    """One row per vote in the order of the chain; a study without votes gives the columns alone."""
    rows = [{"study": study.name, **vote.content()} for vote in votes]
    return pd.DataFrame(rows, columns=list(_VOTE_COLUMNS))


def mos_table(study: StudyRecord, votes: Sequence[ChainedVote], *, confidence: float = 0.95) -> pd.DataFrame:
    """MOS per method, best first, with t intervals (ITU-T P.1401) and what they rest on repeated in every row.

    A method without votes keeps its row with an empty MOS, and with one vote an empty interval. The interval is not
    clipped to the scale.
    """
    table = votes_table(study, votes)
    rows = [_mos_row(method, table[table["method"] == method], confidence) for method in study.methods]
    mos = pd.DataFrame(rows).astype(dict.fromkeys(("mos", "ci_low", "ci_high", "sd"), "float64"))
    mos["confidence"] = confidence
    mos["ci_method"] = CI_METHOD
    mos["screening"] = SCREENING_RULE
    mos["scale"] = study.scale.describe()
    mos["study"] = study.name
    mos["study_sha256"] = study.sha256
    return mos.sort_values("mos", ascending=False, kind="stable", na_position="last", ignore_index=True)


def _mos_row(method: str, votes: pd.DataFrame, confidence: float) -> dict[str, object]:
    """The mean, its interval and the counts of one method's votes."""
    counts = {
        "n_raters": int(votes["rater"].nunique()),
        "n_scenes": int(votes["scene"].nunique()),
        "n_votes": len(votes),
    }
    if votes.empty:
        return {"method": method, "mos": None, "ci_low": None, "ci_high": None, "sd": None, **counts}
    score = mean_opinion_score(votes["value"].to_numpy(dtype="float64"), confidence=confidence)
    return {
        "method": method,
        "mos": score.mean,
        "ci_low": score.low,
        "ci_high": score.high,
        "sd": score.standard_deviation,
        **counts,
    }


def mos_markdown(study: StudyRecord, votes: Sequence[ChainedVote], *, confidence: float = 0.95) -> str:
    """The MOS table for reading, with a note that names everything the numbers rest on."""
    table = votes_table(study, votes)
    lines = [
        f"# {study.title} ({study.name})",
        "",
        f"| Method | MOS | {confidence:.0%} CI | Votes | Raters | Scenes |",
        "|---|---:|---:|---:|---:|---:|",
        *(_markdown_row(row) for row in mos_table(study, votes, confidence=confidence).to_dict("records")),
        "",
        f"- Scale: {study.scale.describe()}.",
        f"- {table['rater'].nunique()} raters, {table['scene'].nunique()} of {len(study.scenes)} scenes, "
        f"{len(table)} votes.",
        f"- Interval: {CI_METHOD} (ITU-T P.1401); not clipped to the scale. It covers neither other raters nor other "
        "scenes.",
        f"- Screening of raters: {SCREENING_RULE}.",
        f"- Study: `{study.sha256}`.",
        "",
    ]
    return "\n".join(lines)


def _markdown_row(row: Mapping[Hashable, Any]) -> str:
    """One method; what does not exist is said in words, not left to a number."""
    mos, low, high = (row[name] for name in ("mos", "ci_low", "ci_high"))
    score = "no votes" if pd.isna(mos) else f"{mos:.2f}"
    interval = "none (needs 2 votes)" if pd.isna(low) else f"{low:.2f} to {high:.2f}"
    return f"| {row['method']} | {score} | {interval} | {row['n_votes']} | {row['n_raters']} | {row['n_scenes']} |"


def write_tables(study: StudyRecord, votes: Sequence[ChainedVote], *, folder: Path) -> list[Path]:
    """Write `votes.csv`, `mos.csv` and `mos.md` into a folder, made where it is missing, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "votes.csv": votes_table(study, votes).to_csv(index=False, lineterminator="\n"),
        "mos.csv": mos_table(study, votes).to_csv(index=False, lineterminator="\n"),
        "mos.md": mos_markdown(study, votes),
    }
    paths = []
    for name, content in contents.items():
        path = folder / name
        path.write_text(content, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths
