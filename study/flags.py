"""What in a rater's answers asks for a look: reasons, never verdicts. Nothing here excludes an answer.

Four signs, each with the numbers it rests on: answers too fast to have looked, the same answer again and again, gold
items missed, and repeated questions answered differently.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean, median
from typing import Literal

FlagKind = Literal["too_fast", "straight_lining", "gold_missed", "inconsistent_repeats"]


@dataclass(frozen=True)
class GivenAnswer:
    """One standing vote as its rater gave it.

    Attributes:
        purpose: Main, repeat or gold.
        cell: What was asked, the same for a trial and its repeat; None for gold.
        answer: As given: the value, or 1 for left, 0 for no difference, -1 for right.
        preference: Without sides: the value, or 1 for the cell's first picture, 0, -1 for its second.
        response_ms: From all pictures shown to the answer.
        accepted: Whether a gold item's answer is accepted; None for all others.
    """

    purpose: Literal["main", "repeat", "gold"]
    cell: Hashable
    answer: int
    preference: int
    response_ms: int
    accepted: bool | None


@dataclass(frozen=True)
class Thresholds:
    """From where on a sign is one.

    Attributes:
        fewest_answers: Before any speed or sameness is judged.
        median_ms: Half of the answers faster than this: pictures cannot be compared in that time.
        longest_run: Equal answers in a row; by chance on six values about 1 in 10^9.
        same_share: Share of one answer among all.
        fewest_repeats: Before consistency is judged.
        repeat_difference: Mean difference of repeated ratings, as a share of the scale.
        reversed_share: Share of repeated comparisons whose preference turned round.
    """

    fewest_answers: int = 10
    median_ms: float = 1000
    longest_run: int = 12
    same_share: float = 0.9
    fewest_repeats: int = 2
    repeat_difference: float = 0.3
    reversed_share: float = 0.5


@dataclass(frozen=True)
class Flag:
    """One sign, in words with its numbers."""

    kind: FlagKind
    detail: str


def rater_flags(
    answers: Sequence[GivenAnswer], *, scale_span: int | None, thresholds: Thresholds | None = None
) -> tuple[Flag, ...]:
    """Look at one rater's answers, in the order they were given.

    Args:
        answers: Standing votes of one rater.
        scale_span: Best minus worst value of a rating study; None for a pairwise one.
        thresholds: From where on a sign is one.
    """
    limits = thresholds or Thresholds()
    found = (
        _too_fast(answers, limits),
        _straight_lining(answers, limits),
        _gold_missed(answers),
        _inconsistent_repeats(answers, scale_span, limits),
    )
    return tuple(flag for flag in found if flag is not None)


def _too_fast(answers: Sequence[GivenAnswer], limits: Thresholds) -> Flag | None:
    if len(answers) < limits.fewest_answers:
        return None
    middle = median(answer.response_ms for answer in answers)
    if middle >= limits.median_ms:
        return None
    return Flag("too_fast", f"half of {len(answers)} answers came within {middle / 1000:.1f} s")


def _straight_lining(answers: Sequence[GivenAnswer], limits: Thresholds) -> Flag | None:
    if len(answers) < limits.fewest_answers:
        return None
    given = [answer.answer for answer in answers]
    run = max(len(list(same)) for _, same in groupby(given))
    most = max(given.count(answer) for answer in set(given))
    if run >= limits.longest_run:
        return Flag("straight_lining", f"the same answer {run} times in a row")
    if most / len(given) >= limits.same_share:
        return Flag("straight_lining", f"the same answer {most} of {len(given)} times")
    return None


def _gold_missed(answers: Sequence[GivenAnswer]) -> Flag | None:
    gold = [answer.accepted for answer in answers if answer.purpose == "gold"]
    missed = sum(accepted is False for accepted in gold)
    return Flag("gold_missed", f"{missed} of {len(gold)} gold items missed") if missed else None


def _inconsistent_repeats(answers: Sequence[GivenAnswer], scale_span: int | None, limits: Thresholds) -> Flag | None:
    first = {answer.cell: answer.preference for answer in answers if answer.purpose == "main"}
    pairs = [
        (first[answer.cell], answer.preference)
        for answer in answers
        if answer.purpose == "repeat" and answer.cell in first
    ]
    if len(pairs) < limits.fewest_repeats:
        return None
    if scale_span is None:
        turned = sum(before * after < 0 for before, after in pairs)
        if turned / len(pairs) <= limits.reversed_share:
            return None
        return Flag("inconsistent_repeats", f"{turned} of {len(pairs)} repeated comparisons turned round")
    difference = mean(abs(before - after) for before, after in pairs)
    if difference <= limits.repeat_difference * scale_span:
        return None
    return Flag("inconsistent_repeats", f"{len(pairs)} repeated ratings differ by {difference:.1f} on average")
