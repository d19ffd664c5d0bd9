"""How often the intervals of a method's MOS hold the true mean, over simulated studies whose truth is known.

Raters and scenes are drawn anew for every study, as the two-way interval supposes. Votes are rounded to 0-5 and
clipped, as in a real study; the true mean is that of such votes. Writes a figure and the figures behind it:

    python -m scripts.interval_coverage --folder docs/statistics
"""

import csv
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

# Run as a file, Python puts scripts/ first on the path, where study.py hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import typer
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from study.statistics import two_way_score

Pattern = Literal["complete", "30 % missing", "half the scenes each"]
SCALE = (0, 5)
MEAN = 2.6
KINDS = ("naive", "crowdMOS", "Satterthwaite")


@dataclass(frozen=True)
class Scenario:
    """One design and where its votes' variance comes from (raters, scenes, single votes)."""

    pattern: Pattern
    raters: int
    scenes: int
    variances: tuple[float, float, float]

    @property
    def label(self) -> str:
        """For the figure's axis."""
        shares = " / ".join(f"{variance:g}" for variance in self.variances)
        return f"{self.raters} raters, {self.scenes} scenes, {self.pattern}\nvariances {shares}"


@dataclass(frozen=True)
class Coverage:
    """Share of studies whose interval held the true mean, in the order of KINDS, and mean half-widths."""

    scenario: Scenario
    studies: int
    held: tuple[float, ...]
    half_widths: tuple[float, ...]


EVEN, RATERS, SCENES, FAINT = (0.3, 0.4, 0.6), (0.5, 0.02, 0.5), (0.02, 0.5, 0.5), (0.1, 0.1, 0.8)
SCENARIOS = (
    Scenario("complete", 24, 12, EVEN),
    Scenario("30 % missing", 24, 12, EVEN),
    Scenario("half the scenes each", 24, 12, EVEN),
    Scenario("complete", 8, 8, EVEN),
    Scenario("30 % missing", 8, 8, EVEN),
    Scenario("half the scenes each", 8, 8, EVEN),
    Scenario("complete", 8, 8, FAINT),
    Scenario("complete", 24, 12, RATERS),
    Scenario("complete", 40, 6, RATERS),
    Scenario("complete", 40, 6, SCENES),
    Scenario("complete", 100, 20, EVEN),
)


def simulate_coverage(scenario: Scenario, *, studies: int, seed: int) -> Coverage:
    """Draw studies and count how often each interval holds the true mean; one without ends holds nothing."""
    rng = np.random.default_rng(seed)
    truth = true_mean(scenario)
    held, widths = np.zeros(len(KINDS)), np.zeros(len(KINDS))
    for _ in range(studies):
        rater, scene, value = draw_study(rng, scenario)
        score = two_way_score("", rater, scene, value)
        for kind, interval in enumerate((score.naive, score.two_way_minimum, score.two_way)):
            if interval.low is not None and interval.high is not None:
                held[kind] += interval.low <= truth <= interval.high
                widths[kind] += (interval.high - interval.low) / 2
    return Coverage(scenario, studies, tuple((held / studies).tolist()), tuple((widths / studies).tolist()))


def true_mean(scenario: Scenario) -> float:
    """Mean of a normal vote rounded to whole numbers and clipped to the scale: Σ P(vote > border)."""
    borders = np.arange(*SCALE) + 0.5
    return SCALE[0] + float(stats.norm.sf(borders, MEAN, math.sqrt(sum(scenario.variances))).sum())


def draw_study(
    rng: np.random.Generator, scenario: Scenario
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rater, scene and value of every vote of one study."""
    shape = (scenario.raters, scenario.scenes)
    of_rater, of_scene, of_vote = (math.sqrt(variance) for variance in scenario.variances)
    votes = (
        MEAN
        + rng.normal(0, of_rater, (shape[0], 1))
        + rng.normal(0, of_scene, shape[1])
        + rng.normal(0, of_vote, shape)
    )
    votes = np.clip(np.round(votes), *SCALE)
    rater, scene = np.nonzero(_seen(rng, scenario, shape))
    return rater, scene, votes[rater, scene]


def _seen(rng: np.random.Generator, scenario: Scenario, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Who rated what, [raters, scenes]."""
    if scenario.pattern == "complete":
        return np.ones(shape, dtype=bool)
    order = rng.random(shape)
    if scenario.pattern == "30 % missing":
        return order > 0.3
    return order.argsort(axis=1).argsort(axis=1) < shape[1] // 2


def coverage_figure(results: list[Coverage]) -> Figure:
    """One row per scenario; bars are 95 % binomial intervals of the simulated share."""
    figure = Figure(figsize=(9, 0.62 * len(results) + 1.4), layout="constrained")
    axes = figure.add_subplot()
    axes.axvspan(93.5, 96.5, color="#dddddd", label="95 ± 1.5 %")
    axes.axvline(95, color="#888888", linewidth=1)
    looks = (
        ("#c44e52", "x", "naive t, votes independent"),
        ("#8172b3", "s", "two-way, min(raters, scenes) - 1 df"),
        ("#1f6f4a", "o", "two-way, Satterthwaite df (ours)"),
    )
    for kind, (colour, marker, label) in enumerate(looks):
        shares = np.array([result.held[kind] for result in results])
        studies = np.array([result.studies for result in results])
        errors = 196 * np.sqrt(shares * (1 - shares) / studies)
        rows = np.arange(len(results)) + 0.18 * (kind - 1)
        axes.errorbar(100 * shares, rows, xerr=errors, color=colour, marker=marker, linestyle="none", label=label)
    axes.set_yticks(range(len(results)), [result.scenario.label for result in results], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("simulated studies whose 95 % interval holds the true MOS (%)")
    axes.set_title(
        f"Coverage in {results[0].studies:,} simulated studies per design; votes rounded to 0-5", fontsize=10
    )
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def write_results(results: list[Coverage], folder: Path) -> None:
    """`coverage.svg` and `coverage.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "interval-coverage"}):
        coverage_figure(results).savefig(folder / "coverage.svg", metadata={"Date": None})
    with (folder / "coverage.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        kinds = [f"{what}_{kind}" for what in ("coverage", "half_width") for kind in KINDS]
        table.writerow(["raters", "scenes", "pattern", "var_rater", "var_scene", "var_vote", "studies", *kinds])
        for result in results:
            design = result.scenario
            numbers = [f"{number:.4f}" for number in (*result.held, *result.half_widths)]
            table.writerow([design.raters, design.scenes, design.pattern, *design.variances, result.studies, *numbers])


def main(
    folder: Annotated[Path, typer.Option(help="Where coverage.svg and coverage.csv go.")] = Path("docs/statistics"),
    studies: Annotated[int, typer.Option(help="Simulated studies per design.", min=10)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the first design; the others count on from it.")] = 0,
) -> None:
    """Simulate every design, print the shares and write figure and table."""
    results = []
    for number, scenario in enumerate(SCENARIOS):
        results.append(simulate_coverage(scenario, studies=studies, seed=seed + number))
        shares = ", ".join(f"{kind} {share:.1%}" for kind, share in zip(KINDS, results[-1].held, strict=True))
        typer.echo(f"{scenario.label.replace(chr(10), ', ')}: {shares}")
    write_results(results, folder)


if __name__ == "__main__":
    typer.run(main)
