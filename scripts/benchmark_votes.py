"""A study of any number of votes in a SQLite file, and how long the dashboard takes to show its first table.

The rows are written in bulk and hold what the app would have stored, but for the hashes of the chain, which are random:
reading does not look at them, and computing a million would only measure SHA-256.
"""

import itertools
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from study.store import StudyStore

NAME = "benchmark"
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    """How large a study is; every rater rates `votes_per_rater` of its scenes x methods cells."""

    raters: int
    scenes: int
    methods: int
    votes_per_rater: int

    def __post_init__(self) -> None:
        if not 1 <= self.votes_per_rater <= self.scenes * self.methods:
            raise ValueError(
                f"a rater gives 1 to {self.scenes * self.methods} votes, one a cell, got {self.votes_per_rater}: "
                "choose another number of raters"
            )

    @property
    def votes(self) -> int:
        """All votes of the study."""
        return self.raters * self.votes_per_rater


def write_study(database: Path, size: Size, *, seed: int = 2020) -> None:
    """Fill a new SQLite file with an open 0-5 rating study.

    Scores follow method quality + scene + rater's bias + noise, rounded and clipped, so that no interval is trivial.
    """
    url = f"sqlite:///{database}"
    StudyStore(url, data_folder=database.parent).close()  # makes the tables as they are today
    rng = np.random.default_rng(seed)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # a benchmark's file may be lost in a power cut
        _write_design(connection, size)
        for ordinal in range(size.raters):
            _write_rater(connection, size, ordinal, rng)
        connection.commit()


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[dict[str, object]]) -> None:
    columns = list(rows[0])
    places = ", ".join(f":{column}" for column in columns)
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _moment(moment: datetime) -> str:
    """As the store writes it to SQLite."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _write_design(connection: sqlite3.Connection, size: Size) -> None:
    cells = list(itertools.product(range(1, size.scenes + 1), range(1, size.methods + 1)))
    assigned = size.votes // len(cells)
    study = {
        "id": 1, "name": NAME, "title": "Benchmark", "question": "How similar?", "mode": "rating",
        "content": '{"languages": ["en"]}', "sha256": "0" * 64, "seed": 0,
        "votes_wanted": size.raters, "trials_per_visit": size.votes_per_rater,
        "gold_per_visit": 0, "repeats_per_visit": 0, "lease_minutes": 60, "invitation_required": False,
        "status": "open", "created_at": _moment(_BEGAN), "opened_at": _moment(_BEGAN),
    }  # fmt: skip
    rows = {
        "studies": [study],
        "scale_points": [{"study_id": 1, "value": value, "label": ""} for value in range(6)],
        "scenes": [
            {"id": number, "study_id": 1, "name": f"scene_{number:03}", "role": "design", "width": 600, "height": 400,
             "ground_truth_sha256": "0" * 64}
            for number in range(1, size.scenes + 1)
        ],
        "methods": [
            {"id": number, "study_id": 1, "name": f"method_{number:02}", "role": "design"}
            for number in range(1, size.methods + 1)
        ],
        "stimuli": [
            {"id": number, "study_id": 1, "scene_id": scene, "method_id": method, "sha256": "0" * 64}
            for number, (scene, method) in enumerate(cells, 1)
        ],
        "cells": [
            {"id": number, "study_id": 1, "scene_id": scene, "stimulus_id": number, "assigned": assigned, "flipped": 0}
            for number, (scene, _method) in enumerate(cells, 1)
        ],
    }  # fmt: skip
    for table, content in rows.items():
        _insert(connection, table, content)


def _write_rater(connection: sqlite3.Connection, size: Size, ordinal: int, rng: np.random.Generator) -> None:
    _insert(connection, "raters", [_rater(ordinal)])
    trials, entries, votes = zip(*_answers(size, ordinal, rng), strict=True)
    for table, rows in (("trials", trials), ("ledger", entries), ("votes", votes)):
        _insert(connection, table, rows)


def _rater(ordinal: int) -> dict[str, object]:
    return {
        "id": f"rater{ordinal:017}",
        "study_id": 1,
        "ordinal": ordinal,
        "began_at": _moment(_BEGAN + timedelta(minutes=20 * ordinal)),
        "language": "en",
        "lease_until": _moment(_BEGAN),
        "outstanding": 0,
        "simulated": True,
    }


def _answers(size: Size, ordinal: int, rng: np.random.Generator) -> Iterator[tuple[dict, dict, dict]]:
    """One rater's trials, their entries in the chain and their votes."""
    cells = rng.permutation(size.scenes * size.methods)[: size.votes_per_rater]
    scene, method = np.divmod(cells, size.methods)
    truth = 1 + 3 * method / size.methods + 0.5 * np.sin(scene) + rng.normal(0, 0.4)
    values = np.clip(np.rint(truth + rng.normal(0, 0.8, cells.size)), 0, 5).astype(int)
    milliseconds = rng.lognormal(8.3, 0.5, cells.size).astype(int)
    moment = _BEGAN + timedelta(minutes=20 * ordinal)
    screen = {"viewport_width": 1280, "viewport_height": 800, "device_pixel_ratio": 1.0, "zoomed": 0}
    for position, (cell, value, response_ms) in enumerate(zip(cells, values, milliseconds, strict=True)):
        chain = ordinal * size.votes_per_rater + position
        at = _moment(moment + timedelta(seconds=5 * position))
        token = f"{chain:021}"
        trial = {
            "id": chain + 1, "study_id": 1, "rater_id": f"rater{ordinal:017}",
            "scene_id": int(cell) // size.methods + 1, "purpose": "main",
            "cell_id": int(cell) + 1, "stimulus_id": int(cell) + 1, "position": position,
            "token": f"t{token}", "ground_truth_token": f"g{token}", "stimulus_token": f"s{token}", "presented_at": at,
        }  # fmt: skip
        entry = {
            "study_id": 1, "ordinal": chain, "kind": "vote", "form": 2, "nonce": f"{chain:032}",
            "content_sha256": f"{chain:064}", "previous_sha256": f"{chain:064}", "sha256": f"{chain + 1:064}",
        }  # fmt: skip
        vote = {
            "id": chain + 1, "study_id": 1, "trial_id": chain + 1, "ordinal": chain, "value": int(value),
            "response_ms": int(response_ms), "presented_at": at, "voted_at": at, **screen,
        }  # fmt: skip
        yield trial, entry, vote


@dataclass(frozen=True)
class FirstTable:
    """What a fresh process needed; seconds of wall clock and of processor time, megabytes at the peak."""

    read_s: float
    table_s: float
    page_s: float
    processor_s: float
    peak_megabytes: float


def measure_first_table(database: Path) -> FirstTable:
    """Open a database as the app does and show the scores of its study: votes read, MOS table, whole page."""
    from study.dashboard import Dashboard  # noqa: PLC0415  Gradio and matplotlib are no part of what is timed
    from study.pages.researcher.tabs import Wish  # noqa: PLC0415
    from study.pages.researcher.views import render_view  # noqa: PLC0415

    processor, began = time.process_time(), time.perf_counter()
    store = StudyStore(f"sqlite:///{database}", data_folder=database.parent)
    dashboard = Dashboard(store, metrics_folder=database.parent / "metrics")
    dashboard.votes(NAME)
    read = time.perf_counter()
    dashboard.table(NAME, "mos_by_method")
    table = time.perf_counter()
    processor_s = time.process_time() - processor
    render_view(dashboard, Wish(NAME, "scores", {}))
    page = time.perf_counter()
    store.close()
    return FirstTable(read - began, table - began, page - began, processor_s, _peak_megabytes())


def _peak_megabytes() -> float:
    """The most memory this process has held; getrusage would count what its parent held when it forked."""
    status = Path("/proc/self/status")
    if status.exists():
        kilobytes = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]
        return int(kilobytes) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def measure_in_fresh_process(database: Path) -> FirstTable:
    """Measure with nothing cached but the file; memory is that of this one task."""
    command = [sys.executable, "-m", "scripts.benchmark_votes", str(database)]
    root = Path(__file__).resolve().parent.parent
    output = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return FirstTable(**json.loads(output.splitlines()[-1]))


def report_votes(sizes: Sequence[int], *, raters: int, rounds: int, say: Callable[[str], object]) -> None:
    """Write a study of each size, show its first table in fresh processes, and say what it took per vote.

    Raises:
        ValueError: the raters cannot share the votes of a size equally, or not by one vote a cell.
    """
    if uneven := [votes for votes in sizes if votes % raters]:
        raise ValueError(f"{raters} raters cannot share {uneven[0]} votes equally: choose another number of raters")
    studies = [Size(raters, scenes=100, methods=10, votes_per_rater=votes // raters) for votes in sizes]
    say("| Votes | Read (s) | First table (s) | Whole page (s) | Processor (s) | Peak (MB) | Table, us a vote |")
    say("|---:|---:|---:|---:|---:|---:|---:|")
    per_vote = []
    with tempfile.TemporaryDirectory() as folder:
        for study in studies:
            database = Path(folder) / f"{study.votes}.db"
            write_study(database, study)
            best = min((measure_in_fresh_process(database) for _ in range(rounds)), key=lambda taken: taken.table_s)
            per_vote.append(best.table_s / study.votes)
            say(
                f"| {study.votes:,} | {best.read_s:.2f} | {best.table_s:.2f} | {best.page_s:.2f} "
                f"| {best.processor_s:.2f} | {best.peak_megabytes:.0f} | {1e6 * per_vote[-1]:.2f} |"
            )
            database.unlink()
    if len(sizes) > 1:
        say(f"A vote costs {per_vote[-1] / per_vote[0]:.2f} times as much at {sizes[-1]:,} as at {sizes[0]:,}.")


if __name__ == "__main__":
    print(json.dumps(asdict(measure_first_table(Path(sys.argv[1])))))
