"""Raters in a browser: a server with studies made as tests ask for them, and the steps of a visit."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from study.definition import read_study_file
from study.store import StudyStore
from study.visits import Visits, load_secret_key
from tests.study.pictures import write_study_folder

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
METHODS = ("glassnet", "unprocessed")
SCENES = ("bench", "harbour", "orchid")
PRACTICE_SCENE = "lagoon"
PRACTICE = {
    "rating": [{"scene": PRACTICE_SCENE, "method": "ground_truth", "expected": [5]}],
    "pairwise": [{"scene": PRACTICE_SCENE, "left": "ground_truth", "right": "unprocessed", "expected": ["left"]}],
}
TRIALS = {"rating": 6, "pairwise": 3}  # of one rater: every scene with every method, or with the one pair of methods


@dataclass
class Served:
    """A running server and the store behind it."""

    url: str
    store: StudyStore
    folder: Path
    sizes: dict[tuple[int, int], Path] = field(default_factory=dict)

    def open_study(self, name: str, mode: str = "rating", *, size: tuple[int, int] = (240, 160), **form: object) -> str:
        """Open a study of three scenes and two methods; no two tests share one. Returns its name."""
        if size not in self.sizes:
            source = self.folder / f"{size[0]}x{size[1]}"
            self.sizes[size] = write_study_folder(source, scenes=(*SCENES, PRACTICE_SCENE), methods=METHODS, size=size)
        fields = {"name": name, "mode": mode, "pictures": str(self.sizes[size]), "extra_scenes": [PRACTICE_SCENE]}
        fields |= {"ties": True} if mode == "pairwise" else {}
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(fields | form))
        self.store.create_study(read_study_file(path), seed=1)
        self.store.open_study(name)
        return name

    def invite(self, study: str) -> str:
        """Make an invitation for one rater."""
        return Visits(self.store, secret_key=load_secret_key(self.folder / "var")).invite(study, max_uses=1)

    def answers(self, study: str) -> list[int | str | None]:
        """The answers that stand, in the order of the chain, once the chain is found whole."""
        assert self.store.verify(study).problems == ()
        votes = [chained.vote for chained in self.store.votes(study)]
        return [vote.value if vote.choice is None else vote.choice for vote in votes]


class Rater:
    """One browser with cookies and storage of its own, at one screen."""

    def __init__(self, context: BrowserContext, served: Served, study: str) -> None:
        self.context = context
        self.served = served
        self.study = study
        self.page = context.new_page()

    def arrive(self, *, script: str = "", query: str = "") -> Page:
        """Open the study's link, with a script run before the page's own."""
        if script:
            self.page.add_init_script(f"(() => {{ {script} }})()")
        self.page.goto(f"{self.served.url}/study?study={self.study}{query}")
        expect(self.page.locator("#rater-begin")).to_be_visible()
        return self.page

    def agree(self) -> Page:
        """Agree, read the instructions, pass the screen check."""
        for button in ("begin", "understood", "checked"):
            self.page.locator(f"#rater-{button}").click()
        return self.page

    def begin(self) -> Page:
        """Go as far as the first trial of a study without practice."""
        self.arrive()
        self.agree()
        expect_trial(self.page, 1, self.total)
        return self.page

    @property
    def total(self) -> int:
        """How many trials a visit has."""
        return TRIALS[self.served.store.study(self.study).mode]

    def expect(self, number: int) -> None:
        """Wait for a trial of the first tab."""
        expect_trial(self.page, number, self.total)


def expect_trial(page: Page, number: int, total: int) -> None:
    """Wait for the trial and for its buttons to take answers."""
    expect(page.locator("#rater-count")).to_have_text(f"{number} of {total}")
    expect(page.locator("#rater-trial")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#rater-trial")).to_be_visible()


def answer(page: Page, given: int | str) -> None:
    """Look at all pictures, where they take turns, and press the button of a value or of a side."""
    unseen = page.locator("#rater-faces [data-unseen='true']")
    while unseen.count():
        unseen.first.click()
    page.locator(f".rater-value[data-answer='{given}']").click()
