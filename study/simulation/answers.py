"""What a simulated rater answers: opinions on the scale, choices between two pictures, and the time taken."""

import math
from typing import Literal

import numpy as np

from study.simulation.traits import RaterTraits

Choice = Literal["left", "right", "tie"]
_FASTEST_MS = 200
_SLOWEST_MS = 120_000
_RESPONSE_SIGMA = 0.45  # of the logarithm: response times are skewed, a few are several times the median


def rate(
    traits: RaterTraits, *, quality: float, answered: int, values: tuple[int, ...], rng: np.random.Generator
) -> int:
    """Give a rating (ITU-T P.910, Annex E): U = psi + Delta + upsilon X, rounded to the nearest answer of the scale.

    Args:
        traits: Who answers.
        quality: True quality of the picture, share of the scale.
        answered: Trials this rater has behind them; moves drifting and tiring raters.
        values: Answers of the scale, worst first, evenly spaced.
        rng: Gives X, standard normal.
    """
    noise = float(rng.standard_normal())
    opinion = quality + traits.bias + traits.drift_per_trial * answered + _spread(traits, answered) * noise
    share = opinion if traits.constant is None else traits.constant
    return values[round(min(max(share, 0.0), 1.0) * (len(values) - 1))]


def compare(
    traits: RaterTraits,
    *,
    left: float,
    right: float,
    answered: int,
    tie_prominence: float,
    rng: np.random.Generator,
) -> Choice:
    """Choose between two pictures by Davidson (1970); without ties, that is Bradley and Terry's law.

    With worths pi = exp(quality / s), P(left) = pi_l / (pi_l + pi_r + nu sqrt(pi_l pi_r)) and
    P(tie) = nu sqrt(pi_l pi_r) over the same. The scale s is the inconsistency's: s = upsilon sqrt(2) / 1.702 brings
    the logistic law closest to Thurstone's case V with noise upsilon in either opinion.

    Args:
        traits: Who answers; a straight-liner always takes the same side.
        left, right: True qualities, shares of the scale.
        answered: Trials this rater has behind them.
        tie_prominence: Davidson's nu, 0 or more; 0 where ties are not allowed.
        rng: Decides.
    Raises:
        ValueError: `tie_prominence` is negative.
    """
    if tie_prominence < 0:
        raise ValueError(f"tie_prominence must be 0 or more, got {tie_prominence}")
    draw = float(rng.random())
    if traits.constant is not None:
        return "left" if traits.constant < 0.5 else "right"
    difference = left - right + traits.side_bias
    half_gap = _half_log_odds(difference, spread=_spread(traits, answered))
    weights = {"left": math.exp(half_gap), "right": math.exp(-half_gap), "tie": tie_prominence}
    total = sum(weights.values())
    if draw < weights["left"] / total:
        return "left"
    return "right" if draw < (weights["left"] + weights["right"]) / total else "tie"


def response_ms(traits: RaterTraits, rng: np.random.Generator) -> int:
    """Draw how long the answer takes, from both pictures shown to the click; log-normal."""
    drawn = traits.median_response_ms * float(rng.lognormal(0, _RESPONSE_SIGMA))
    return round(min(max(drawn, _FASTEST_MS), _SLOWEST_MS))


def _spread(traits: RaterTraits, answered: int) -> float:
    """Inconsistency after so many trials."""
    return traits.inconsistency * (1 + traits.tiring_per_trial * answered)


def _half_log_odds(difference: float, *, spread: float) -> float:
    """Half the log-odds of left against right, bounded where exp would overflow; a rater without noise never errs."""
    if spread == 0:
        return math.copysign(300.0, difference) if difference else 0.0
    return min(max(1.702 * difference / (2 * math.sqrt(2) * spread), -300.0), 300.0)
