"""sureal's dataset files (Netflix/sureal, README "Dataset Files"): its JSON form, written and read.

`ref_videos` are the scenes, `dis_videos` the stimuli with `os`, the opinion scores: by rater, or a list with one score
per rater in the same order everywhere. A score may be a list where a rater voted more than once. sureal also takes
Python files and runs them; those are not read here.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from study.export.csv_votes import mark_repeats
from study.export.problems import Problems

REFERENCE = "reference"


def sureal_json(frame: pd.DataFrame, *, name: str, reference: str | None, best: float | None) -> str:
    """Ratings as sureal's JSON: scenes and stimuli numbered in the order of their names.

    Args:
        frame: Tidy votes with rater, purpose, scene, method and value; gold trials are left out.
        name: Of the study.
        reference: The method whose pictures are the scenes' references; sureal's DMOS needs it.
        best: The scale's best value, sureal's `ref_score`; left out where it is not known.
    """
    votes = frame[frame["purpose"] != "gold"]
    scenes = {scene: number for number, scene in enumerate(sorted(set(votes["scene"])))}
    paths = {scene: f"{scene}/{reference or REFERENCE}" for scene in scenes}
    stimuli = votes.groupby(["scene", "method"], sort=True)
    data: dict[str, Any] = {
        "dataset_name": name,
        "ref_videos": [
            {"content_id": number, "content_name": scene, "path": paths[scene]} for scene, number in scenes.items()
        ],
        "dis_videos": [
            {
                "asset_id": number,
                "content_id": scenes[str(scene)],
                "method": method,
                "path": f"{scene}/{method}",
                "os": _scores_by_rater(of_stimulus),
            }
            for number, ((scene, method), of_stimulus) in enumerate(stimuli)
        ],
    }
    if best is not None:
        data["ref_score"] = best
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _scores_by_rater(votes: pd.DataFrame) -> dict[str, float | list[float]]:
    scores: dict[str, float | list[float]] = {}
    for rater, of_rater in votes.groupby("rater", sort=True):
        values = [float(value) for value in of_rater["value"]]
        scores[str(rater)] = values[0] if len(values) == 1 else values
    return scores


def read_sureal(content: bytes, *, name: str, method_pattern: str | None = None) -> tuple[pd.DataFrame, str | None]:
    """The ratings of a sureal JSON file as the tidy table, and the hidden reference's name where there is one.

    A stimulus's method is its `method`, which sureal itself does not know; else what `method_pattern` finds in its
    `path`; else the path's file name, by which every stimulus is a method of its own. A stimulus that shares its path
    with its scene's reference is the hidden reference.

    Args:
        content: UTF-8 JSON.
        name: Of the file, for messages.
        method_pattern: A regular expression with a group `method`.
    Raises:
        ValueError: the file is no such JSON; the message lists everything that is wrong.
    """
    problems = Problems(name)
    pattern = _pattern(method_pattern, problems)
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        problems.add(f"it is no JSON: {error}")
        data = None
    problems.refuse()
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in ("ref_videos", "dis_videos")):
        problems.add("it must be an object with the lists ref_videos and dis_videos")
        problems.refuse()
    references = _references(data["ref_videos"], problems)
    rows = [row for entry in _stimuli(data["dis_videos"], references, pattern, problems) for row in entry]
    if not rows:
        problems.add("it holds no votes")
    problems.refuse()
    frame = mark_repeats(pd.DataFrame(rows))
    hidden = set(frame.loc[frame["is_reference"], "method"])
    if len(hidden) > 1:
        problems.add(f"the reference has several names: {', '.join(sorted(hidden))}")
        problems.refuse()
    return frame.drop(columns="is_reference"), next(iter(hidden), None)


def _pattern(method_pattern: str | None, problems: Problems) -> re.Pattern[str] | None:
    if method_pattern is None:
        return None
    try:
        pattern = re.compile(method_pattern)
    except re.error as error:
        problems.add(f"method_pattern is no regular expression: {error}")
        return None
    if "method" not in pattern.groupindex:
        problems.add("method_pattern must have a group (?P<method>...)")
    return pattern


def _references(entries: list[Any], problems: Problems) -> dict[object, tuple[str, str]]:
    """Scene name and path by content_id."""
    references: dict[object, tuple[str, str]] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("content_id"), int | str):
            problems.add(f"ref_videos[{number}]: needs a content_id")
            continue
        name, path = entry.get("content_name", entry["content_id"]), entry.get("path", "")
        references[entry["content_id"]] = str(name), str(path)
    return references


def _stimuli(
    entries: list[Any],
    references: Mapping[object, tuple[str, str]],
    pattern: re.Pattern[str] | None,
    problems: Problems,
) -> Iterator[list[dict[str, object]]]:
    """The votes of every stimulus."""
    lengths = {len(entry["os"]) for entry in entries if isinstance(entry, dict) and isinstance(entry.get("os"), list)}
    if len(lengths) > 1:
        problems.add("os are lists of different lengths: nobody can say whose votes they are; give them by rater")
    for number, entry in enumerate(entries):
        where = f"dis_videos[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("content_id"), int | str):
            problems.add(f"{where}: needs a content_id")
            continue
        if entry["content_id"] not in references:
            problems.add(f"{where}: content_id {entry['content_id']} is in no ref_videos")
            continue
        scene, reference_path = references[entry["content_id"]]
        path = str(entry.get("path", ""))
        is_reference = bool(path) and path == reference_path
        method = _method(entry, path, is_reference=is_reference, pattern=pattern)
        if not method:
            problems.add(f"{where}: no method, and none is found in its path {path or '(empty)'}")
        names = {"scene": scene, "method": method, "is_reference": is_reference}
        yield [
            {"rater": rater, "purpose": "main", **names, "value": value}
            for rater, value in _scores(entry.get("os"), where, problems)
        ]


def _method(entry: Mapping[str, Any], path: str, *, is_reference: bool, pattern: re.Pattern[str] | None) -> str:
    if isinstance(entry.get("method"), str):
        return str(entry["method"])
    if is_reference:
        return REFERENCE
    if pattern is not None:
        found = pattern.search(path)
        return found["method"] or "" if found else ""
    return (PureWindowsPath(path) if "\\" in path else PurePosixPath(path)).stem


def _scores(scores: Any, where: str, problems: Problems) -> Iterator[tuple[str, float]]:
    """Rater and value of each vote; null and NaN are no votes."""
    if isinstance(scores, list):
        width = len(str(len(scores)))
        scores = {f"rater {number:0{width}d}": score for number, score in enumerate(scores, start=1)}
    if not isinstance(scores, dict):
        problems.add(f"{where}: os must be a list of scores or an object of scores by rater")
        return
    for rater, score in scores.items():
        for value in score if isinstance(score, list) else [score]:
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
                problems.add(f"{where}: {rater} voted {value!r}, which is no number")
                continue
            yield str(rater), float(value)
