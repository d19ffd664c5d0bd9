"""The answer scale of a rating study: whole numbers in a row, each with the words a rater reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Preset = Literal["paper", "acr5", "dcr5"]

# Paper (sec. 4.3) names only the ends: 0 "mostly different from the ground truth", 5 "almost identical", and calls
# the six values "five quality levels". Here: six values; the four words in between are ours.
PAPER_LABELS = (
    "mostly different from the ground truth",
    "very different",
    "somewhat different",
    "somewhat similar",
    "mostly similar",
    "almost identical",
)


@dataclass(frozen=True)
class ScalePreset:
    """A well-known scale: its lowest value and its labels by language, worst first."""

    lowest: int
    labels: Mapping[str, tuple[str, ...]]


# acr5 and dcr5 are the five-level scales of ITU-T P.910 (absolute and degradation category rating), in its words.
PRESETS: Mapping[Preset, ScalePreset] = MappingProxyType(
    {
        "paper": ScalePreset(
            0,
            {
                "en": PAPER_LABELS,
                "de": (
                    "überwiegend anders als das Original",
                    "sehr unterschiedlich",
                    "etwas unterschiedlich",
                    "etwas ähnlich",
                    "überwiegend ähnlich",
                    "fast identisch",
                ),
            },
        ),
        "acr5": ScalePreset(
            1,
            {
                "en": ("bad", "poor", "fair", "good", "excellent"),
                "de": ("schlecht", "mäßig", "ordentlich", "gut", "ausgezeichnet"),
            },
        ),
        "dcr5": ScalePreset(
            1,
            {
                "en": (
                    "very annoying",
                    "annoying",
                    "slightly annoying",
                    "perceptible but not annoying",
                    "imperceptible",
                ),
                "de": (
                    "sehr störend",
                    "störend",
                    "leicht störend",
                    "wahrnehmbar, aber nicht störend",
                    "nicht wahrnehmbar",
                ),
            },
        ),
    }
)


@dataclass(frozen=True)
class ScalePoint:
    """One answer a rater can give; `label` is empty where only the ends have words."""

    value: int
    label: str


@dataclass(frozen=True)
class Scale:
    """All answers of a study, from the worst to the best."""

    points: tuple[ScalePoint, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """The answers' numbers, worst first."""
        return tuple(point.value for point in self.points)

    def describe(self) -> str:
        """Name the scale in one line, as the tables do: `0-5 (0 = mostly different ..., 5 = almost identical)`."""
        worst, best = self.points[0], self.points[-1]
        ends = ", ".join(f"{point.value} = {point.label}" for point in (worst, best) if point.label)
        return f"{worst.value}-{best.value}" + (f" ({ends})" if ends else "")


def labelled_scale(labels: Sequence[str], *, lowest: int = 0) -> Scale:
    """Build the scale lowest, lowest + 1, ... with one label per value, worst first.

    Raises:
        ValueError: fewer than 2 or more than 11 labels (ten keys and one row of buttons on a phone hold no more),
            a lowest value below 0, or an end without words.
    """
    words = [label.strip() for label in labels]
    if not 2 <= len(words) <= 11:
        raise ValueError(f"labels must be 2 to 11, got {len(words)}")
    if not 0 <= lowest <= 10:
        raise ValueError(f"lowest must be 0 to 10, got {lowest}")
    if not words[0] or not words[-1]:
        raise ValueError("labels of the worst and the best value must not be empty")
    return Scale(tuple(ScalePoint(value, label) for value, label in enumerate(words, start=lowest)))


def rating_scale(maximum: int = 5, labels: Sequence[str] | None = None) -> Scale:
    """Build the scale 0..maximum, by default the paper's 0-5 with its words at the ends.

    Args:
        maximum: Best value, 1 to 10: ten keys and one row of buttons on a phone hold no more.
        labels: One per value, worst first. Left out, the paper's six for 0-5 and its end labels for any other length.
    Raises:
        ValueError: `maximum` is outside 1..10, or `labels` are not one per value, or one of the ends has no words.
    """
    if not 1 <= maximum <= 10:
        raise ValueError(f"maximum must be 1 to 10, got {maximum}")
    if labels is None:
        labels = PAPER_LABELS if maximum == 5 else (PAPER_LABELS[0], *[""] * (maximum - 1), PAPER_LABELS[-1])
    if len(labels) != maximum + 1:
        raise ValueError(f"labels must be one per value 0..{maximum}, that is {maximum + 1}, got {len(labels)}")
    return labelled_scale(labels)
