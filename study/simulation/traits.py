"""What kinds of raters there are, and how the members of a kind differ.

The spreads are those that make a rehearsal interesting, not findings about people: an honest rater's answers scatter
by about two thirds of a point on a 0-5 scale, as subjects' do in ITU-T P.910's examples.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

Kind = Literal["honest", "biased", "noisy", "straight", "side", "leaving"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class RaterTraits:
    """How one simulated rater answers (ITU-T P.910, Annex E: opinion = quality + bias + inconsistency x noise).

    Attributes:
        kind: Which kind the rater was drawn from.
        bias: Added to every opinion; share of the scale.
        inconsistency: Standard deviation of the noise in an opinion; share of the scale.
        constant: The one answer a straight-liner gives, share of the scale (0 left, 1 right in pairs); None otherwise.
        side_bias: Added to whatever stands on the left of a pair; share of the scale, negative favours the right.
        drift_per_trial: Added to an opinion for every trial before it: an order effect.
        tiring_per_trial: Growth of the inconsistency with every trial, as a share of itself.
        slip_share: Share of answers that are first given by mistake and taken back at once.
        median_response_ms: Half of the answers are faster.
        leaves_after: Answers given before the rater leaves for good; None stays to the end.
    """

    kind: Kind
    bias: float = 0.0
    inconsistency: float = 0.0
    constant: float | None = None
    side_bias: float = 0.0
    drift_per_trial: float = 0.0
    tiring_per_trial: float = 0.0
    slip_share: float = 0.0
    median_response_ms: float = 4000.0
    leaves_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no rater can be."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not self.inconsistency >= 0:
            raise ValueError(f"inconsistency must be 0 or more, got {self.inconsistency}")
        if not self.median_response_ms > 0:
            raise ValueError(f"median_response_ms must be positive, got {self.median_response_ms}")


def draw_traits(kind: Kind, *, trials: int, rng: np.random.Generator) -> RaterTraits:
    """Draw one rater of a kind.

    Args:
        kind: One of KINDS; a `leaving` rater is an honest one who leaves during a trial drawn evenly.
        trials: Length of the visit, for the trial at which a leaving rater leaves.
        rng: Advanced by a number of draws that depends on the kind.
    """
    honest = RaterTraits(
        kind=kind,
        bias=float(rng.normal(0, 0.05)),
        inconsistency=float(0.13 * rng.lognormal(0, 0.25)),
        slip_share=0.01,
        median_response_ms=float(4000 * rng.lognormal(0, 0.3)),
    )
    sign = float(rng.choice([-1, 1]))
    if kind == "biased":
        return replace(honest, bias=sign * float(rng.uniform(0.15, 0.3)))
    if kind == "noisy":
        return replace(honest, inconsistency=float(rng.uniform(0.3, 0.5)))
    if kind == "straight":
        return replace(honest, constant=float(rng.random()), slip_share=0.0, median_response_ms=600.0)
    if kind == "side":
        return replace(honest, side_bias=sign * float(rng.uniform(0.2, 0.4)))
    if kind == "leaving":
        return replace(honest, leaves_after=int(rng.integers(0, trials)))
    return honest


def parse_mix(text: str) -> dict[Kind, float]:
    """Read shares of kinds, such as `honest=.7,noisy=.2,leaving=.1`.

    Returns:
        Shares that sum to 1, in the order given.
    Raises:
        ValueError: not of this form, an unknown or repeated kind, a negative share, or shares that do not sum to 1.
    """
    mix: dict[Kind, float] = {}
    for part in text.split(","):
        kind, _, share = part.strip().partition("=")
        if kind not in KINDS or kind in mix:
            raise ValueError(f"mix must name each of {', '.join(KINDS)} at most once, as kind=share; got {part!r}")
        try:
            mix[kind] = float(share)
        except ValueError as error:
            raise ValueError(f"mix needs a number for {kind}, got {share!r}") from error
    if not all(0 <= share <= 1 for share in mix.values()) or not np.isclose(sum(mix.values()), 1):
        raise ValueError(f"the shares of a mix must be 0 or more and sum to 1, got {text!r}")
    return mix


def draw_population(mix: dict[Kind, float], *, raters: int, trials: int, seed: int) -> list[RaterTraits]:
    """Draw raters in exact shares (largest remainders) and a shuffled order.

    Args:
        mix: Shares from `parse_mix`.
        raters: How many; at least 1.
        trials: Length of a visit.
        seed: Rater i's traits depend on the seed, the mix and the number of raters alone.
    Raises:
        ValueError: `raters` is below 1.
    """
    if raters < 1:
        raise ValueError(f"raters must be at least 1, got {raters}")
    rng = np.random.default_rng([seed, 0])
    kinds = list(mix)
    wanted = np.array([mix[kind] for kind in kinds]) * raters
    counts = np.floor(wanted).astype(int)
    counts[np.argsort(counts - wanted, kind="stable")[: raters - counts.sum()]] += 1
    order = rng.permutation(np.repeat(np.arange(len(kinds)), counts))
    return [draw_traits(kinds[index], trials=trials, rng=rng) for index in order]
