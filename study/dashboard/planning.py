"""How many raters a study needs: the textbook's formulas, and the two-way plan from the votes that are there."""

from dataclasses import dataclass

from study.statistics import (
    PairsNeeded,
    Plan,
    Ratings,
    SimulatedPlan,
    Spread,
    pairs_for_power,
    pilot_difference_spread,
    pilot_spread,
    plan_half_width,
    plan_power,
    raters_for_half_width,
    simulate_plan,
    two_way_half_width,
)

_RATERS = (8, 12, 16, 24, 40, 60, 100)
_SCENES = (4, 8, 12, 16, 24, 40)
_SIMULATED_STUDIES = 200
_MOST_SIMULATED_VOTES = 20_000  # of one study: 200 of them take about a second


@dataclass(frozen=True)
class PlanQuestion:
    """What is wanted of a study; widths and differences are on its scale.

    Attributes:
        method, opponent: The pilot's votes on `method` give the spread, those on both the spread of differences.
        half_width: Of the method's 95 % interval.
        deviation: Of single votes, for the formulas without a pilot.
        difference: Between the two methods' MOS, to be found significant.
        power: Probability to find it.
        scenes, repeats: Scenes shown, votes of one rater on one scene.
    """

    method: str
    opponent: str
    half_width: float
    deviation: float
    difference: float
    power: float
    scenes: int
    repeats: int


@dataclass(frozen=True)
class PilotPlan:
    """What the study needs by its own votes.

    Attributes:
        spread: Variances of the method's votes by source.
        width_plan, power_plan: By formula; `power_plan` is None where the methods were not rated side by side.
        simulated: The width plan, simulated, or in words why not.
        rater_counts, scene_counts, half_widths: Expected half-width for many sizes, [raters][scenes].
    """

    spread: Spread
    width_plan: Plan
    power_plan: Plan | None
    simulated: SimulatedPlan | str
    rater_counts: tuple[int, ...]
    scene_counts: tuple[int, ...]
    half_widths: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class PlanAnswer:
    """What the study needs: by formula with the scenes taken as fixed, and from a pilot where there is one.

    Attributes:
        formula_raters: (1.96 deviation / half_width)².
        formula_pairs: For a paired t test of the difference.
        pilot: None without enough votes.
        message: Why there is no pilot; empty where there is one.
    """

    formula_raters: int
    formula_pairs: PairsNeeded
    pilot: PilotPlan | None
    message: str


def answer_plan(question: PlanQuestion, ratings: Ratings | None, *, scale: tuple[int, int] | None) -> PlanAnswer:
    """Plan by formula, and from these ratings where their spread can be estimated.

    Args:
        question: What is wanted.
        ratings: The pilot, repeats included; None for a pairwise study.
        scale: Its ends; simulated votes are rounded and clipped to it.
    """
    formula_raters = raters_for_half_width(deviation=question.deviation, half_width=question.half_width)
    pairs = pairs_for_power(effect=question.difference / question.deviation, power=question.power)
    if ratings is None:
        message = "This is a pairwise study: its votes say nothing about the spread of ratings."
        return PlanAnswer(formula_raters, pairs, None, message)
    if not (ratings.method == ratings.methods.index(question.method)).any():
        message = f"No plan from this study's own votes yet: {question.method} has none."
        return PlanAnswer(formula_raters, pairs, None, message)
    try:
        spread = pilot_spread(ratings, question.method)
    except ValueError as error:
        return PlanAnswer(formula_raters, pairs, None, f"No plan from this study's own votes yet: {error}.")
    return PlanAnswer(formula_raters, pairs, _from_pilot(question, ratings, spread, scale), "")


def _from_pilot(question: PlanQuestion, ratings: Ratings, spread: Spread, scale: tuple[int, int] | None) -> PilotPlan:
    width_plan = plan_half_width(
        spread, half_width=question.half_width, scenes=question.scenes, repeats=question.repeats
    )
    return PilotPlan(
        spread=spread,
        width_plan=width_plan,
        power_plan=_power_plan(question, ratings),
        simulated=_simulated(question, ratings, spread, width_plan, scale),
        rater_counts=_RATERS,
        scene_counts=_SCENES,
        half_widths=tuple(
            tuple(
                two_way_half_width(spread, raters=raters, scenes=scenes, repeats=question.repeats) for scenes in _SCENES
            )
            for raters in _RATERS
        ),
    )


def _power_plan(question: PlanQuestion, ratings: Ratings) -> Plan | None:
    if question.method == question.opponent:
        return None
    try:
        spread = pilot_difference_spread(ratings, question.method, question.opponent)
    except ValueError:
        return None
    return plan_power(
        spread,
        difference=question.difference,
        power=question.power,
        scenes=question.scenes,
        repeats=question.repeats,
    )


def _simulated(
    question: PlanQuestion, ratings: Ratings, spread: Spread, plan: Plan, scale: tuple[int, int] | None
) -> SimulatedPlan | str:
    if plan.raters is None or plan.votes is None:
        return "there is no number of raters to simulate"
    if plan.votes > _MOST_SIMULATED_VOTES:
        return f"{plan.votes:,} votes take too long"
    try:
        return simulate_plan(
            spread,
            mean=float(ratings.value[ratings.method == ratings.methods.index(question.method)].mean()),
            raters=plan.raters,
            scenes=plan.scenes,
            repeats=plan.repeats,
            half_width=question.half_width,
            scale=scale,
            studies=_SIMULATED_STUDIES,
        )
    except ValueError as error:  # near the end of the scale every simulated vote may round to the same
        return str(error)
