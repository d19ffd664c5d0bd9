"""Many simulated raters in one study, a few at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import httpx
import numpy as np

from study.simulation.browser import RaterBrowser
from study.simulation.traits import RaterTraits
from study.simulation.truth import Truth
from study.simulation.visit import DEFAULT_TIE_PROMINENCE, SimulatedRater, VisitReport


@dataclass(frozen=True)
class Rehearsal:
    """What all raters of a rehearsal share.

    Attributes:
        study: The study's name.
        truth: Gives the true quality of a picture.
        seed: Rater i answers by a Generator of (seed, 1, i).
        invitation: Marks the raters as simulated.
        tie_prominence: Davidson's nu.
    """

    study: str
    truth: Truth
    seed: int
    invitation: str | None = None
    tie_prominence: float = DEFAULT_TIE_PROMINENCE

    def run(
        self,
        population: Sequence[RaterTraits],
        *,
        new_client: Callable[[], httpx.Client],
        at_once: int = 1,
        on_report: Callable[[VisitReport], object] = lambda _report: None,
    ) -> list[VisitReport]:
        """Send every rater through the study.

        Args:
            population: The raters, in the order of arrival.
            new_client: Makes a client without cookies whose base_url is the server's.
            at_once: How many raters visit at the same time. With 1, votes depend on the seeds alone; with more, on
                who is served first too.
            on_report: Told of every visit that ended, from any thread.
        Returns:
            A report per rater, in their order.
        Raises:
            RequestRefused, httpx.TransportError: as a visit raises; visits not yet begun are not begun.
        """

        def send(numbered: tuple[int, RaterTraits]) -> VisitReport:
            report = self._visit(*numbered, new_client=new_client)
            on_report(report)
            return report

        with ThreadPoolExecutor(max_workers=at_once) as pool:
            futures = [pool.submit(send, numbered) for numbered in enumerate(population)]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _visit(self, number: int, traits: RaterTraits, *, new_client: Callable[[], httpx.Client]) -> VisitReport:
        rng = np.random.default_rng([self.seed, 1, number])
        rater = SimulatedRater(traits, truth=self.truth, rng=rng, tie_prominence=self.tie_prominence)
        with closing(new_client()) as client:
            return rater.visit(RaterBrowser(client, study=self.study), invitation=self.invitation)
