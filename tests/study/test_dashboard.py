"""What the dashboard says of progress, of raters, of pictures and of plans, apart from any page."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from study.dashboard import Dashboard, PlanQuestion, Progress
from study.dashboard.planning import answer_plan
from study.dashboard.progress import forecast_end
from study.dashboard.quality import longest_run
from study.records import CellCount
from study.store import StudyStore
from study.store.columns import DayCount
from study.tables import Analysis
from tests.study.filling import SetClock, fill_study
from tests.study.simulated import make_study
from tests.study.statistics.planted import full_ratings

TODAY = date(2026, 3, 10)
QUALITIES = {"glassnet": 4.0, "unprocessed": 1.0, "gaussian": 2.5}
QUICK = Analysis(resamples=100)
QUESTION = PlanQuestion(
    method="glassnet",
    opponent="gaussian",
    half_width=1.0,
    deviation=1.0,
    difference=0.5,
    power=0.8,
    scenes=3,
    repeats=1,
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudyStore, Dashboard]]:
    """Nine raters of a rating study, the last of them lazy, four of a pairwise one who stops early, an empty one."""
    folder = tmp_path_factory.mktemp("dashboard")
    clock = SetClock()
    store = StudyStore(f"sqlite:///{folder / 'study.db'}", data_folder=folder, clock=clock)
    scenes = ("bench", "harbour", "orchid", "tower")  # 12 answers a rater: enough to be flagged
    make_study(store, folder / "a", mode="rating", name="ratings", scenes=scenes, votes_wanted=12)
    make_study(store, folder / "b", mode="pairwise", name="pairs", ties=True, votes_wanted=6)
    make_study(store, folder / "c", mode="rating", name="empty")
    fill_study(store, "ratings", raters=9, qualities=QUALITIES, clock=clock)
    fill_study(store, "pairs", raters=4, qualities=QUALITIES, clock=clock, last_answers=4, simulated=False)
    yield store, Dashboard(store, metrics_folder=folder / "metrics", now=clock)
    store.close()


def cells(*answered: int, wanted: int | None = 10) -> Progress:
    """A one-scene design with these votes."""
    return Progress(tuple(CellCount("s", f"m{i}", None, count, 0, 0) for i, count in enumerate(answered)), wanted)


def days(*votes: int, raters: int = 4) -> list[DayCount]:
    """One day's votes each, the last of them today."""
    return [DayCount(TODAY - timedelta(days=len(votes) - 1 - i), count, raters) for i, count in enumerate(votes)]


def test_surplus_in_one_cell_fills_no_other() -> None:
    """15 of 10 votes in a cell are 10: the share counts what is wanted."""
    progress = cells(15, 5)
    assert (progress.remaining, progress.share, progress.fewest, progress.most) == (5, 0.75, 5, 15)


def test_forecast_divides_what_is_missing_by_the_pace() -> None:
    """40 missing at 20 a day, from 16 raters in four days: two days; (1 + .49) and (1 - .49) of the pace around it."""
    forecast = forecast_end(cells(0, 0, 0, 0), days(20, 20, 20, 20), status="open", today=TODAY)
    assert forecast.votes_per_day == 20
    assert forecast.end == TODAY + timedelta(days=2)
    assert forecast.earliest == TODAY + timedelta(days=2)  # 40 / 29.8 days, rounded up
    assert forecast.latest == TODAY + timedelta(days=4)  # 40 / 10.2


def test_old_votes_do_not_count_for_the_pace() -> None:
    """A hundred votes nine days ago say nothing about this week."""
    forecast = forecast_end(cells(0), days(100, 0, 0, 0, 0, 0, 0, 0, 0, 14), status="open", today=TODAY)
    assert forecast.votes_per_day == 2


@pytest.mark.parametrize(
    ("progress", "status", "votes", "says"),
    [
        (cells(10, 10), "open", days(20), "every cell has the votes wanted"),
        (cells(1), "closed", days(1), "closed"),
        (cells(0), "draft", [], "not open yet"),
        (cells(0), "open", [], "no votes yet"),
        (cells(3, wanted=None), "open", days(3), "when you close it"),
        (cells(0, wanted=10**6), "open", days(1, raters=1), "more than ten years"),
        (cells(5), "open", days(5, raters=1), "too few raters for a range"),
    ],
)
def test_every_state_has_its_sentence(progress: Progress, status: str, votes: list[DayCount], says: str) -> None:
    """None is left blank, none shows a date that means nothing."""
    assert says in forecast_end(progress, votes, status=status, today=TODAY).sentence.lower()


def test_longest_run_counts_equal_neighbours() -> None:
    """By hand."""
    assert longest_run(np.array([3, 3, 1, 1, 1, 2])) == 3
    assert longest_run(np.array([5])) == 1
    assert longest_run(np.array([], dtype=np.int64)) == 0


@pytest.mark.parametrize("name", ["ratings", "pairs", "empty"])
def test_cells_are_those_the_store_counts(filled: tuple[StudyStore, Dashboard], name: str) -> None:
    """From arrays of votes, as the store counts them row by row."""
    store, dashboard = filled
    mine = {(c.scene, c.method, c.right_method): c for c in dashboard.overview(name).progress.cells}
    assert mine == {(c.scene, c.method, c.right_method): c for c in store.cell_counts(name)}


def test_overview_counts_raters(filled: tuple[StudyStore, Dashboard]) -> None:
    """Simulated ones are told apart, one who is not done is not finished."""
    _store, dashboard = filled
    ratings, pairs = dashboard.overview("ratings").raters, dashboard.overview("pairs").raters
    assert (ratings.began, ratings.finished, ratings.simulated) == (9, 9, 9)
    assert (pairs.began, pairs.finished, pairs.simulated) == (4, 3, 0)
    assert [overview.study.name for overview in dashboard.overviews()] == ["empty", "pairs", "ratings"]


def test_lazy_rater_is_flagged_first(filled: tuple[StudyStore, Dashboard]) -> None:
    """The ninth answers within half a second, always the same."""
    _store, dashboard = filled
    first, *others = dashboard.raters("ratings")
    assert first.ordinal == 8
    assert first.median_ms == 450
    assert first.longest_run == first.answered == 12
    assert len(first.flags) == 2
    assert [rater.ordinal for rater in others if not rater.flags] == sorted(
        rater.ordinal for rater in others if not rater.flags
    )


def test_tables_are_computed_once_per_state(filled: tuple[StudyStore, Dashboard]) -> None:
    """The same object while nobody votes; another after a vote."""
    store, dashboard = filled
    before = dashboard.table("pairs", "pairwise_matrix")
    assert dashboard.table("pairs", "pairwise_matrix") is before
    fill_study(store, "pairs", raters=1, qualities=QUALITIES, clock=SetClock(datetime.now(UTC)), last_answers=1)
    after = dashboard.table("pairs", "pairwise_matrix")
    assert after["wins"].sum() + after["ties"].sum() / 2 == before["wins"].sum() + before["ties"].sum() / 2 + 1
    assert after is not before


def test_unknown_table_is_named(filled: tuple[StudyStore, Dashboard]) -> None:
    """With those there are."""
    _store, dashboard = filled
    with pytest.raises(ValueError, match="mos_by_method"):
        dashboard.table("ratings", "pairwise_scale")


def test_close_up_of_a_scene_shows_every_method_best_first(filled: tuple[StudyStore, Dashboard]) -> None:
    """The ground truth leads; counts add up to the votes; the mean is theirs."""
    store, dashboard = filled
    pictures = dashboard.close_up("ratings", scene="bench", method=None).pictures
    assert [picture.method for picture in pictures] == [None, "glassnet", "gaussian", "unprocessed"]
    values = [
        chained.vote.value
        for chained in store.votes("ratings")
        if (chained.vote.scene, chained.vote.method) == ("bench", "glassnet")
    ]
    assert pictures[1].mean == pytest.approx(np.mean(values))
    assert pictures[1].deviation == pytest.approx(np.std(values, ddof=1))
    assert sum(count for _word, count in pictures[1].counts) == pictures[1].n_votes == 9
    assert dashboard.picture("ratings", pictures[1].sha256).startswith(b"\x89PNG")


def test_close_up_of_a_method_in_a_pairwise_study(filled: tuple[StudyStore, Dashboard]) -> None:
    """The best method is preferred more often than not, whichever side it was on."""
    _store, dashboard = filled
    pictures = dashboard.close_up("pairs", scene=None, method="glassnet").pictures
    assert {picture.scene for picture in pictures} == {"bench", "harbour", "orchid"}
    assert all(picture.mean is not None and picture.mean > 0.5 for picture in pictures)
    with pytest.raises(ValueError, match="no method"):
        dashboard.close_up("pairs", scene=None, method="nobody")


def test_pictures_of_other_studies_are_refused(filled: tuple[StudyStore, Dashboard]) -> None:
    """A picture is shown as part of its study alone."""
    store, dashboard = filled
    foreign = {sha256 for _, _, sha256 in store.pictures("pairs")} - {s for _, _, s in store.pictures("ratings")}
    for sha256 in [*foreign, "0" * 64, "../secret"]:
        with pytest.raises(KeyError):
            dashboard.picture("ratings", sha256)


def test_plan_rests_on_the_studys_own_votes(filled: tuple[StudyStore, Dashboard]) -> None:
    """More scenes and raters narrow the interval; without votes the formula answers alone, and says so."""
    _store, dashboard = filled
    plan = dashboard.plan("ratings", QUESTION)
    assert plan.formula_raters == 4  # (1.96 / 1)², rounded up
    assert plan.pilot is not None
    widths = np.array(plan.pilot.half_widths)
    # Where scenes carry nearly all variance, Satterthwaite's degrees of freedom fall a little as raters are added.
    assert (np.diff(widths, axis=0) < 0.01).all()
    assert (np.diff(widths, axis=1) < 0).all()
    empty = dashboard.plan("empty", QUESTION)
    assert empty.pilot is None
    assert "no plan" in empty.message.lower()
    assert dashboard.plan("pairs", QUESTION).pilot is None


def test_plan_that_cannot_be_simulated_says_why() -> None:
    """One 4 among 5s: the formula has a spread, but every simulated vote rounds to 5."""
    values = np.full((20, 3, 1), 5.0)
    values[0, 0, 0] = 4.0
    plan = answer_plan(replace(QUESTION, method="m0", opponent="m0"), full_ratings(values), scale=(0, 5))
    assert plan.pilot is not None
    assert plan.pilot.width_plan.raters == 2
    assert plan.pilot.simulated == "no simulated study has an interval: take more raters, scenes or votes"


def test_names_that_pandas_takes_for_nothing_keep_their_metrics(store: StudyStore, tmp_path: Path) -> None:
    """Computed ones and a researcher's own: `None`, `NA` and `null` are names like any other."""
    study = make_study(
        store, tmp_path / "a", mode="rating", name="nothings", scenes=("NA", "bench"), methods=("None", "null")
    )
    folder = tmp_path / "metrics"
    dashboard = Dashboard(store, metrics_folder=folder)
    dashboard.metrics("nothings", QUICK)
    _wait_for(folder / f"computed-{study.sha256}.csv")
    (folder / "nothings.csv").write_text("scene,method,metric,value\nNA,None,nan,0.1\n")
    tables = dashboard.metrics("nothings", QUICK)
    assert tables.remarks == ()
    stimuli = {(scene, method) for scene in ("NA", "bench") for method in ("None", "null")}
    of_metric = tables.stimuli.groupby("metric")[["scene", "method"]]
    found = {metric: set(rows.itertuples(index=False, name=None)) for metric, rows in of_metric}
    assert found == {"PSNR (dB)": stimuli, "SSIM": stimuli, "nan": {("NA", "None")}}


def _wait_for(file: Path) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=300)
    while not file.exists() and datetime.now(UTC) < deadline:
        time.sleep(0.05)


def test_metrics_are_computed_in_the_background_and_kept(filled: tuple[StudyStore, Dashboard], tmp_path: Path) -> None:
    """The first call says that it has begun; a researcher's own file is used at once and checked."""
    store, _dashboard = filled
    dashboard = Dashboard(store, metrics_folder=tmp_path)
    assert any("being computed" in remark for remark in dashboard.metrics("ratings", QUICK).remarks)
    _wait_for(tmp_path / f"computed-{store.study('ratings').sha256}.csv")
    tables = dashboard.metrics("ratings", QUICK)
    assert tables.remarks == ()
    assert set(tables.stimuli["metric"]) == {"PSNR (dB)", "SSIM"}
    assert len(tables.stimuli) == 2 * 12
    (tmp_path / "ratings.csv").write_text("scene,method,metric,value\nbench,glassnet,LPIPS,0.1\n")
    assert "LPIPS" in set(dashboard.metrics("ratings", QUICK).stimuli["metric"])
    (tmp_path / "ratings.csv").write_text("scene,method,metric,value\nbench,glassnet,LPIPS,far\n")
    with pytest.raises(ValueError, match="finite"):
        dashboard.metrics("ratings", QUICK)
