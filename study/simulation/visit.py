"""One simulated rater's whole visit: consent, screen check, practice, trials, and for some an early end."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from study.simulation.answers import compare, rate, response_ms
from study.simulation.browser import Json, RaterBrowser, RequestRefused
from study.simulation.devices import draw_device
from study.simulation.traits import RaterTraits
from study.simulation.truth import Truth

DEFAULT_TIE_PROMINENCE = 0.6  # Davidson's nu; between equals 23 % then see no difference
Ending = Literal["finished", "left", "full"]


@dataclass(frozen=True)
class VisitReport:
    """How a visit went; `answered` leaves practice out, `ending` is "full" where no rater was wanted any more."""

    traits: RaterTraits
    answered: int
    ending: Ending


class SimulatedRater:
    """Somebody with traits, a device and an own source of randomness, who answers what a browser shows them."""

    def __init__(
        self,
        traits: RaterTraits,
        *,
        truth: Truth,
        rng: np.random.Generator,
        tie_prominence: float = DEFAULT_TIE_PROMINENCE,
    ) -> None:
        """Make a rater.

        Args:
            traits: How they answer.
            truth: Gives the true quality of a picture from the two files.
            rng: Used by this rater alone, so that their answers depend on no other rater.
            tie_prominence: Davidson's nu, where the study offers "no difference".
        """
        self.traits = traits
        self._truth = truth
        self._rng = rng
        self._tie_prominence = tie_prominence
        self._device = draw_device(rng)

    def visit(self, browser: RaterBrowser, *, invitation: str | None) -> VisitReport:
        """Go through a study from the first page to the last, or to the trial at which this rater leaves.

        Raises:
            RequestRefused: the server refused what a real rater may do.
        """
        study = browser.read_study()
        try:
            state = browser.begin(study, attempt=self._rng.bytes(16).hex(), invitation=invitation)
        except RequestRefused as refusal:
            if refusal.code == "study_full":
                return VisitReport(self.traits, answered=0, ending="full")
            raise
        if state["stage"] == "screen":
            state = browser.describe_screen(self._device.screen())
        while state["trial"] is not None:
            pictures = self._look(browser, state["trial"])
            if not state["trial"]["practice"] and state["answered"] == self.traits.leaves_after:
                return VisitReport(self.traits, answered=state["answered"], ending="left")
            state = self._answer(browser, study, state, pictures)
        return VisitReport(self.traits, answered=state["answered"], ending="finished")

    def _look(self, browser: RaterBrowser, trial: Json) -> list[bytes]:
        """Fetch the ground truth and the one or two pictures beside it."""
        return [browser.picture(path) for path in (trial["ground_truth"], *trial["pictures"])]

    def _answer(self, browser: RaterBrowser, study: Json, state: Json, pictures: list[bytes]) -> Json:
        """Answer the trial on the screen; some slip first, take the slip back and answer anew."""
        token = state["trial"]["token"]
        answer = self._opinion(study, state, pictures)
        slips = self._rng.random() < self.traits.slip_share
        if slips and not state["trial"]["practice"]:
            after = browser.vote(self._form(token, self._slip(study)))
            token = browser.undo(after["undo"])["trial"]["token"]
        return browser.vote(self._form(token, answer))

    def _opinion(self, study: Json, state: Json, pictures: list[bytes]) -> Json:
        """The answer this rater means to give."""
        ground_truth, *shown = pictures
        qualities = [self._truth(ground_truth, picture) for picture in shown]
        if study["mode"] == "rating":
            values = tuple(point["value"] for point in study["scale"])
            given = rate(self.traits, quality=qualities[0], answered=state["answered"], values=values, rng=self._rng)
            return {"value": given}
        choice = compare(
            self.traits,
            left=qualities[0],
            right=qualities[1],
            answered=state["answered"],
            tie_prominence=self._tie_prominence if "tie" in study["choices"] else 0.0,
            rng=self._rng,
        )
        return {"choice": choice}

    def _slip(self, study: Json) -> Json:
        """Any answer at all."""
        if study["mode"] == "rating":
            return {"value": study["scale"][int(self._rng.integers(len(study["scale"])))]["value"]}
        return {"choice": study["choices"][int(self._rng.integers(len(study["choices"])))]}

    def _form(self, token: str, answer: Json) -> Json:
        """The body of a vote."""
        return {
            "trial": token,
            **answer,
            "response_ms": response_ms(self.traits, self._rng),
            **self._device.viewport(),
            "zoomed": int(self._rng.poisson(0.4)),
        }


def summarise(reports: list[VisitReport]) -> list[str]:
    """Say in lines what became of the raters of each kind."""
    lines = []
    for kind in dict.fromkeys(report.traits.kind for report in reports):
        own = [report for report in reports if report.traits.kind == kind]
        endings = Counter(report.ending for report in own)
        ways = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
        lines.append(f"{kind}: {len(own)} raters ({ways}), {sum(report.answered for report in own)} answers")
    return lines
