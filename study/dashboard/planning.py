"""How many raters a study needs: the textbook's formulas, and the two-way plan from the votes that are there."""

from dataclasses import dataclass

from study.statistics import (
    PairsNeeded,
    Plan,
    Ratings,
    VarianceComponents,
    pairs_for_power,
    pilot_components,
    plan_half_width,
    plan_power,
    raters_for_half_width,
    two_way_half_width,
)

_RATERS = (8, 12, 16, 24, 40, 60, 100)
_SCENES = (4, 8, 12, 16, 24, 40)


@dataclass(frozen=True)
class PlanQuestion:
    """What is wanted of a study; widths and differences are on its scale.

    Attributes:
        half_width: Of the MOS's 95 % interval.
        deviation: Of single votes, for the formula without a pilot.
        difference: Between two methods' MOS, to be found significant.
        power: Probability to find it.
        scenes, repeats: Scenes shown, votes of one rater on one scene.
    """

    half_width: float
    deviation: float
    difference: float
    power: float
    scenes: int
    repeats: int


@dataclass(frozen=True)
class PlanAnswer:
    """What the study needs.

    Attributes:
        formula_raters: (1.96 deviation / half_width)², scenes taken as fixed.
        formula_pairs: For a paired t test of the difference.
        components: From the pilot; None without enough votes.
        width_plan, power_plan: From the pilot's components; None without them.
        rater_counts, scene_counts, half_widths: Expected half-width for many sizes, [raters][scenes]; empty without.
        message: Why there is no pilot, or empty.
    """

    formula_raters: int
    formula_pairs: PairsNeeded
    components: VarianceComponents | None
    width_plan: Plan | None
    power_plan: Plan | None
    rater_counts: tuple[int, ...]
    scene_counts: tuple[int, ...]
    half_widths: tuple[tuple[float, ...], ...]
    message: str


def answer_plan(question: PlanQuestion, ratings: Ratings | None) -> PlanAnswer:
    """Plan by formula, and from the variance components of these ratings where they can be estimated."""
    formula_raters = raters_for_half_width(deviation=question.deviation, half_width=question.half_width)
    pairs = pairs_for_power(effect=question.difference / question.deviation, power=question.power)
    components, message = _pilot(ratings)
    if components is None:
        return PlanAnswer(formula_raters, pairs, None, None, None, (), (), (), message)
    return PlanAnswer(
        formula_raters=formula_raters,
        formula_pairs=pairs,
        components=components,
        width_plan=plan_half_width(
            components, half_width=question.half_width, scenes=question.scenes, repeats=question.repeats
        ),
        power_plan=plan_power(
            components,
            difference=question.difference,
            power=question.power,
            scenes=question.scenes,
            repeats=question.repeats,
        ),
        rater_counts=_RATERS,
        scene_counts=_SCENES,
        half_widths=tuple(
            tuple(
                two_way_half_width(components, raters=raters, scenes=scenes, repeats=question.repeats)
                for scenes in _SCENES
            )
            for raters in _RATERS
        ),
        message="",
    )


def _pilot(ratings: Ratings | None) -> tuple[VarianceComponents | None, str]:
    if ratings is None:
        return None, "This is a pairwise study: its votes say nothing about the spread of ratings."
    try:
        return pilot_components(ratings), ""
    except ValueError as error:
        return None, f"There is no plan from this study's own votes yet: {error}"
