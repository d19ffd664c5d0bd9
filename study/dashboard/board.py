"""The researcher's view of a store: studies, their votes as arrays, tables and figures, computed once per state.

Votes are read again only when a study's chain has grown. A table that was computed for a state of the chain is kept,
so that a page which asks every 20 s costs nothing while nobody votes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from study.dashboard.drilldown import Drilldown, PictureNames, drill_down
from study.dashboard.metrics import MetricTables, PictureMetrics
from study.dashboard.planning import PlanAnswer, PlanQuestion, answer_plan
from study.dashboard.progress import AnsweredCells, Forecast, Progress, answered_cells, cell_counts, forecast_end
from study.dashboard.quality import RaterQuality, rater_quality
from study.records import StudyRecord
from study.store import StudyStore
from study.store.columns import DayCount, RaterCounts, VoteColumns
from study.store.database import utc_now
from study.tables import (
    Analysis,
    StudyVotes,
    agreement,
    answers,
    method_tests,
    metric_stimuli,
    metrics_against_mos,
    mos_by_method,
    mos_by_stimulus,
    pairwise_differences,
    pairwise_matrix,
    pairwise_scale,
    screened_raters,
    screening_ranks,
    side_choices,
    study_facts,
)

_BUILDERS = {
    "rating": (
        mos_by_method,
        mos_by_stimulus,
        answers,
        agreement,
        method_tests,
        screening_ranks,
        screened_raters,
    ),
    "pairwise": (pairwise_scale, pairwise_matrix, pairwise_differences, side_choices),
}
_TABLES = {mode: {build.__name__: build for build in builders} for mode, builders in _BUILDERS.items()}
_MOST_RESULTS = 200
Result = TypeVar("Result")
_MOST_VOTES = 3  # studies whose votes are held as arrays: 45 MB for a million


@dataclass(frozen=True)
class StudyOverview:
    """One study in a line: how far it is and when it will be done."""

    study: StudyRecord
    progress: Progress
    raters: RaterCounts
    forecast: Forecast


class Dashboard:
    """Answers for the pages; safe to ask from several threads."""

    def __init__(self, store: StudyStore, *, metrics_folder: Path, now: Callable[[], datetime] = utc_now) -> None:
        """Look at a store.

        Args:
            store: Where studies and votes are kept.
            metrics_folder: Keeps computed metrics, and `NAME.csv` with a study's others; made when needed.
            now: Tells the moment in UTC, for leases and forecasts.
        """
        self._store = store
        self._metrics = PictureMetrics(metrics_folder)
        self._columns: VoteColumns = store.columns
        self._now = now
        self._lock = threading.Lock()
        self._votes: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._results: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def overviews(self) -> list[StudyOverview]:
        """All studies, the newest first."""
        return [self._overview_of(study) for study in reversed(self._store.studies())]

    def overview(self, name: str) -> StudyOverview:
        """One study; raises UnknownStudy."""
        return self._overview_of(self._store.study(name))

    def _overview_of(self, study: StudyRecord) -> StudyOverview:
        state = self._state(study)
        waiting = self._columns.waiting(study, now=self._now())
        progress = Progress(cell_counts(study, self._answered_of(study), waiting), study.votes_wanted)
        raters = self._kept(self._results, (state, "raters began"), lambda: self._columns.rater_counts(study))
        forecast = forecast_end(progress, self._days_of(study), status=study.status, today=self._now().date())
        return StudyOverview(study, progress, raters, forecast)

    def _answered_of(self, study: StudyRecord) -> AnsweredCells:
        key = (self._state(study), "answered")
        return cast(AnsweredCells, self._kept(self._results, key, lambda: answered_cells(self._votes_of(study))))

    def _state(self, study: StudyRecord) -> tuple[object, ...]:
        """What changes whenever anything a page shows has changed, but for leases that only time lets lapse."""
        return (study.name, study.sha256, study.status, *self._columns.version(study))

    def votes(self, name: str) -> StudyVotes:
        """All main and repeat votes of a study."""
        return self._votes_of(self._store.study(name))

    def _votes_of(self, study: StudyRecord) -> StudyVotes:
        return cast(
            StudyVotes, self._kept(self._votes, self._state(study), lambda: self._read_votes(study), most=_MOST_VOTES)
        )

    def _read_votes(self, study: StudyRecord) -> StudyVotes:
        is_rating = study.mode == "rating"
        return StudyVotes(
            facts=study_facts(study),
            ratings=self._columns.ratings(study) if is_rating else None,
            comparisons=None if is_rating else self._columns.comparisons(study),
            simulated=self._columns.simulated(study),
        )

    def table(self, name: str, table: str, analysis: Analysis | None = None) -> pd.DataFrame:
        """One of the study's tables, by the name of the function that builds it, on the votes of now.

        Raises:
            ValueError: the study's mode has no such table.
        """
        study = self._store.study(name)
        tables = _TABLES[study.mode]
        if table not in tables:
            raise ValueError(f"a {study.mode} study has the tables {', '.join(tables)}, not {table}")
        chosen = analysis or Analysis()
        key = (self._state(study), table, chosen)
        return cast(
            pd.DataFrame,
            self._kept(self._results, key, lambda: tables[table](self._votes_of(study), chosen)),
        )

    def days(self, name: str) -> list[DayCount]:
        """Votes and raters of every day that had votes, oldest first."""
        return self._days_of(self._store.study(name))

    def _days_of(self, study: StudyRecord) -> list[DayCount]:
        key = (self._state(study), "days")
        return cast("list[DayCount]", self._kept(self._results, key, lambda: self._columns.days(study)))

    def metrics(self, name: str, analysis: Analysis | None = None) -> MetricTables:
        """The study's metrics beside its MOS.

        Raises:
            ValueError: the researcher's file of metrics is not valid.
        """
        study = self._store.study(name)
        votes = self._votes_of(study)
        values, remarks = self._metrics.values(study, self._picture_names(study), self._store.picture_bytes)
        if values.empty:
            return MetricTables(values, values, remarks, 0)
        key, chosen = _fingerprint(values), analysis or Analysis()
        stimuli, agreement = self._kept(
            self._results,
            (self._state(study), "metrics", key, chosen),
            lambda: (metric_stimuli(votes, values, chosen), metrics_against_mos(votes, values, chosen)),
        )
        return MetricTables(stimuli, agreement, remarks, key)

    def plan(self, name: str, question: PlanQuestion) -> PlanAnswer:
        """How many raters this study, or one like it, needs; its own ratings are the pilot."""
        study = self._store.study(name)
        values = study.scale.values if study.scale else None
        scale = None if values is None else (values[0], values[-1])
        key = (self._state(study), question)
        return cast(
            PlanAnswer,
            self._kept(self._results, key, lambda: answer_plan(question, self._votes_of(study).ratings, scale=scale)),
        )

    def remembered(self, name: str, what: Hashable, compute: Callable[[], Result]) -> Result:
        """What a page made of this study, made again only when the study has changed."""
        key = (self._state(self._store.study(name)), "page", what)
        return cast(Result, self._kept(self._results, key, compute))

    def raters(self, name: str) -> tuple[RaterQuality, ...]:
        """Every rater's conduct, flagged ones first."""
        study = self._store.study(name)

        def describe() -> tuple[RaterQuality, ...]:
            return rater_quality(
                self._store.raters(study.name),
                self._columns.conduct(study),
                ratings=self._votes_of(study).ratings,
                flags=self._store.flags(study.name),
            )

        return cast("tuple[RaterQuality, ...]", self._kept(self._results, (self._state(study), "raters"), describe))

    def close_up(self, name: str, *, scene: str | None, method: str | None) -> Drilldown:
        """The pictures of a scene or of a method with their scores; raises ValueError for names of no cell."""
        study = self._store.study(name)
        votes = self._votes_of(study)
        return drill_down(
            study,
            self._picture_names(study),
            ratings=votes.ratings,
            comparisons=votes.comparisons,
            scene=scene,
            method=method,
        )

    def _picture_names(self, study: StudyRecord) -> PictureNames:
        key = (study.name, study.sha256, "pictures")  # frozen with the study
        return cast(PictureNames, self._kept(self._results, key, lambda: self._read_picture_names(study)))

    def _read_picture_names(self, study: StudyRecord) -> PictureNames:
        return {(scene, method): sha256 for scene, method, sha256 in self._store.pictures(study.name)}

    def picture(self, name: str, sha256: str) -> bytes:
        """A stored picture of this study as PNG; raises KeyError where the study has none of that name."""
        if sha256 not in self._picture_names(self._store.study(name)).values():
            raise KeyError(sha256)
        return self._store.picture_bytes(sha256)

    def _kept(
        self,
        where: OrderedDict[Hashable, Future[Any]],
        key: Hashable,
        compute: Callable[[], Any],
        *,
        most: int = _MOST_RESULTS,
    ) -> Any:
        """The result for this key, computed where it is not there yet; who asks meanwhile waits for it."""
        with self._lock:
            is_mine = key not in where
            future = where.setdefault(key, Future())
            where.move_to_end(key)
            while len(where) > most:
                where.popitem(last=False)
        if is_mine:
            try:
                future.set_result(compute())
            except BaseException as error:  # whoever waits must hear of it, or waits for ever
                with self._lock:
                    where.pop(key, None)
                future.set_exception(error)
        return future.result()


def _fingerprint(values: pd.DataFrame) -> int:
    """Changes with any value of the frame."""
    return int(pd.util.hash_pandas_object(values, index=False).sum())
