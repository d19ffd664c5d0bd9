"""Raters who answer a whole study by the store's own methods, on a clock that the test sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from study.records import Answer, Screen
from study.store import Enrolment, StudyStore
from tests.study.visiting import SCREEN_CHECK


@dataclass
class SetClock:
    """Tells the moment it was set to."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 9, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **passed: float) -> None:
        """Let time pass; keywords as for `timedelta`."""
        self.moment += timedelta(**passed)


def fill_study(
    store: StudyStore,
    name: str,
    *,
    raters: int,
    qualities: Mapping[str, float],
    clock: SetClock,
    seed: int = 7,
    hours_between: float = 1.0,
    last_answers: int | None = None,
    simulated: bool = True,
) -> list[str]:
    """Send raters through an open study, one after the other, and return their ids.

    Scores are quality + rater's bias + noise on the scale; the better of two wins by the same. Every ninth rater gives
    the middle of the scale, or left, whatever is shown, within half a second.

    Args:
        store: Opened with this clock.
        name: The study.
        raters: How many.
        qualities: Of every method on the scale.
        clock: Moved on by every answer.
        seed: Of the answers.
        hours_between: From a rater's end to the next one's begin.
        last_answers: How many answers the last rater gives before leaving; None for all.
        simulated: Whether they come by an invitation for simulated raters.
    """
    rng = np.random.default_rng(seed)
    scale = store.study(name).scale
    values = scale.values if scale else (0, 1)
    of_pictures = {
        sha256: qualities[method] + 0.4 * np.sin(place)
        for place, (_scene, method, sha256) in enumerate(store.pictures(name))
        if method is not None
    }
    invitation = store.add_invitation(name, max_uses=None, simulated=True) if simulated else None
    ids = []
    for number in range(raters):
        rater = _enrol(store, name, invitation)
        answer_of = _Answers(of_pictures, rng, float(rng.normal(0, 0.4)), number % 9 == 8, values)
        _answer_all(store, rater, answer_of, clock, most=last_answers if number == raters - 1 else None)
        ids.append(rater)
        clock.forward(hours=hours_between)
    return ids


def _enrol(store: StudyStore, name: str, invitation: str | None) -> str:
    agreed = replace(Enrolment.agreed(store.words(name)), invitation_id=invitation)
    rater = store.enrol_rater(name, agreed)
    store.record_screen(rater, Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None))
    return rater


def _answer_all(store: StudyStore, rater: str, answer_of: "_Answers", clock: SetClock, *, most: int | None) -> None:
    state, given = store.visit_state(rater), 0
    while state.current is not None and given != most:
        shown = [store.picture_of(token).sha256 for token in state.current.picture_tokens]
        answer = answer_of(shown)
        clock.forward(milliseconds=answer.response_ms + 800)
        store.record_answer(answer, rater_id=rater, trial_token=state.current.token)
        state, given = store.visit_state(rater), given + 1


@dataclass
class _Answers:
    """What one rater answers to the pictures shown, by their sha256."""

    qualities: Mapping[str, float]
    rng: np.random.Generator
    bias: float
    is_lazy: bool
    values: tuple[int, ...]

    def __call__(self, shown: Sequence[str]) -> Answer:
        screen = {"viewport_width": 1280, "viewport_height": 800, "device_pixel_ratio": 1.5}
        response_ms = 450 if self.is_lazy else int(self.rng.lognormal(8.2, 0.5))
        noisy = [self.qualities[sha256] + self.rng.normal(0, 0.7) for sha256 in shown]
        if len(shown) == 2:
            gap = noisy[0] - noisy[1]
            choice = "left" if gap > 0.3 or self.is_lazy else "right" if gap < -0.3 else "tie"
            return Answer(response_ms=response_ms, zoomed=int(self.rng.random() < 0.4), choice=choice, **screen)
        middle = self.values[len(self.values) // 2]
        value = middle if self.is_lazy else round(float(np.clip(noisy[0] + self.bias, self.values[0], self.values[-1])))
        return Answer(response_ms=response_ms, zoomed=int(self.rng.random() < 0.4), value=value, **screen)
