"""How full a study is and when it will be: the design's cells, votes per day, and a forecast of the end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

import numpy as np

from study.records import CellCount, StudyRecord, StudyStatus
from study.store.columns import DayCount, WaitingCell
from study.tables import StudyVotes

_WINDOW_DAYS = 7
_Z_95 = 1.959963984540054
_FARTHEST_DAYS = 3650  # beyond ten years a date says nothing


AnsweredCells = dict[tuple[str, str, str | None], int]  # (scene, method, right method or None) -> standing main votes


def answered_cells(votes: StudyVotes) -> AnsweredCells:
    """Count the main votes of every cell of the design; a pair counts whichever side its methods stood on."""
    if votes.ratings is not None:
        ratings = votes.ratings.first_votes()
        counts = np.bincount(ratings.stimulus, minlength=ratings.n_stimuli)
        return {(*ratings.stimulus_name(code), None): int(count) for code, count in enumerate(counts)}
    compared = votes.compared.first_votes()
    low, high = np.minimum(compared.left, compared.right), np.maximum(compared.left, compared.right)
    size = len(compared.methods)
    counts = np.bincount((compared.scene * size + low) * size + high, minlength=len(compared.scenes) * size * size)
    return {
        (scene, compared.methods[one], compared.methods[other]): int(counts[(place * size + one) * size + other])
        for place, scene in enumerate(compared.scenes)
        for one, other in combinations(range(size), 2)
    }


def cell_counts(study: StudyRecord, answered: AnsweredCells, waiting: Sequence[WaitingCell]) -> tuple[CellCount, ...]:
    """Put answered and waiting trials together, cell by cell of the design."""
    place = {method: code for code, method in enumerate(study.methods)}
    open_trials: dict[tuple[str, str, str | None, bool], int] = {}
    for cell in waiting:
        one, other = cell.method, cell.right_method
        if other is not None and place[one] > place[other]:
            one, other = other, one
        open_trials[cell.scene, one, other, cell.is_live] = cell.trials
    return tuple(
        CellCount(
            *cell,
            answered=count,
            leased=open_trials.get((*cell, True), 0),
            lapsed=open_trials.get((*cell, False), 0),
        )
        for cell, count in answered.items()
    )


@dataclass(frozen=True)
class Progress:
    """The cells of a study's design with their standing main votes.

    Attributes:
        cells: In the order of scenes and methods.
        votes_wanted: Per cell; None for as many as come.
    """

    cells: tuple[CellCount, ...]
    votes_wanted: int | None

    @property
    def answered(self) -> int:
        """Main votes that stand."""
        return sum(cell.answered for cell in self.cells)

    @property
    def leased(self) -> int:
        """Trials that raters are at, or may come back to before their lease ends."""
        return sum(cell.leased for cell in self.cells)

    @property
    def wanted(self) -> int | None:
        """Main votes wanted in all; None where no number was set."""
        return None if self.votes_wanted is None else self.votes_wanted * len(self.cells)

    @property
    def remaining(self) -> int | None:
        """Votes missing in cells that are not full yet; None where no number was set."""
        if self.votes_wanted is None:
            return None
        return sum(max(0, self.votes_wanted - cell.answered) for cell in self.cells)

    @property
    def share(self) -> float | None:
        """Of the wanted votes, those that are there, surplus in full cells not counted; None without a number."""
        wanted, remaining = self.wanted, self.remaining
        return None if wanted is None or remaining is None or wanted == 0 else 1 - remaining / wanted

    @property
    def fewest(self) -> int:
        """Votes of the emptiest cell."""
        return min((cell.answered for cell in self.cells), default=0)

    @property
    def most(self) -> int:
        """Votes of the fullest cell."""
        return max((cell.answered for cell in self.cells), default=0)


@dataclass(frozen=True)
class Forecast:
    """When the last cell will be full if raters keep coming as they did.

    Attributes:
        sentence: The whole answer in words, also where there is no date.
        votes_per_day: Of the last days; None without votes.
        earliest, end, latest: The range covers 95 % if raters come independently of each other; `latest` is None where
            it is more than ten years off.
    """

    sentence: str
    votes_per_day: float | None = None
    earliest: date | None = None
    end: date | None = None
    latest: date | None = None


def forecast_end(progress: Progress, days: Sequence[DayCount], *, status: StudyStatus, today: date) -> Forecast:
    """Forecast from the votes of the last seven days, or since the first vote where that is later.

    The rate's error comes from the number of raters, not of votes: a rater brings a visit's worth of votes at once, so
    arrivals are what is random. With k raters in the window the rate is uncertain by 1.96 / sqrt(k) (Poisson).

    Args:
        progress: Where the study stands.
        days: Votes per day, oldest first.
        status: Only an open study has a forecast.
        today: The day of the forecast, UTC.
    """
    if status == "draft":
        return Forecast("Not open yet: raters cannot come in.")
    if status == "closed":
        return Forecast("Closed: no more votes are taken.")
    if progress.remaining == 0:
        return Forecast("Every cell has the votes wanted.")
    recent = [day for day in days if today - day.day < timedelta(days=_WINDOW_DAYS)]
    votes, raters = sum(day.votes for day in recent), sum(day.raters for day in recent)
    if not votes:
        ago = f" since {_said(days[-1].day)}" if days else " yet"
        return Forecast(f"No votes{ago}, so there is nothing to forecast from.")
    window = min(_WINDOW_DAYS, (today - days[0].day).days + 1)
    rate = votes / window
    over = "today" if window == 1 else f"over the last {window} days"
    pace = f"{_rounded(rate)} votes a day {over}"
    if progress.remaining is None:
        return Forecast(f"{pace}. No number of votes was set, so it ends when you close it.", rate)
    return _dated(progress.remaining, rate, error=_Z_95 / math.sqrt(raters), pace=pace, today=today)


def _dated(remaining: int, rate: float, *, error: float, pace: str, today: date) -> Forecast:
    end = _after(today, remaining / rate)
    earliest = _after(today, remaining / (rate * (1 + error)))
    latest = None if error >= 1 else _after(today, remaining / (rate * (1 - error)))
    if end is None:
        return Forecast(f"At {pace} the {remaining:,} missing votes take more than ten years.", rate, earliest)
    reach = f"{_said(earliest)} to {_said(latest)}" if latest and earliest else "too few raters for a range"
    sentence = f"About {_said(end)} ({reach}), at {pace}; {remaining:,} are missing."
    return Forecast(sentence, rate, earliest, end, latest)


def _after(today: date, days: float) -> date | None:
    return None if days > _FARTHEST_DAYS else today + timedelta(days=math.ceil(days))


def _said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or rate.is_integer() else f"{rate:.1f}"
