"""The form of a study's file: which fields there are and what each may hold, before any picture is read."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from study.records import Choice, Mode
from study.scale import Preset

STUDY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
CELL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,79}")

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
CellName = Annotated[str, StringConstraints(pattern=rf"^{CELL_NAME.pattern}$")]
Texts = Words | dict[Language, Words]  # words alone are in the default language


class _Form(BaseModel):
    """Nothing may be misspelt: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsentForm(_Form):
    """What raters agree to; change the version whenever the text changes."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=40)] = "1"
    text: Texts | None = None


class ScaleForm(_Form):
    """A scale of one's own: labels worst first, one per value; an empty label leaves the number alone."""

    lowest: int = Field(default=0, ge=0, le=10)
    labels: list[str] | dict[Language, list[str]]


class ItemForm(_Form):
    """What a practice or gold item shows: a scene with one method, or with a left and a right one.

    A method is a name from `methods` or `anchors`, the hidden reference, or `ground_truth`.
    """

    scene: CellName
    method: CellName | None = None
    left: CellName | None = None
    right: CellName | None = None

    @model_validator(mode="after")
    def _one_or_two(self) -> "ItemForm":
        one, two = self.method is not None, self.left is not None and self.right is not None
        if one == two or (self.left is None) != (self.right is None):
            raise ValueError("name either method, or left and right")
        return self


class PracticeForm(ItemForm):
    """Shown before the votes; the rater hears whether the answer is where most people's is."""

    expected: list[int] | list[Choice] = Field(min_length=1)
    feedback: Texts | None = None


class GoldForm(ItemForm):
    """Shown among the votes, with an answer that an attentive rater gives."""

    accepted: list[int] | list[Choice] = Field(min_length=1)


class StudyForm(_Form):
    """A whole study file; docs/study.md explains each field."""

    name: Annotated[str, StringConstraints(pattern=rf"^{STUDY_NAME.pattern}$")]
    mode: Mode = "rating"
    languages: list[Language] = Field(default=["en"], min_length=1)
    title: Texts | None = None
    question: Texts | None = None
    instructions: Texts | None = None
    consent: ConsentForm = ConsentForm()
    scale: Preset | ScaleForm | None = None
    ties: bool | None = None
    pictures: str = "."
    ground_truth: CellName = "ground_truth"
    methods: list[CellName] | None = None
    anchors: list[CellName] = []
    scenes: list[CellName] | None = None
    extra_scenes: list[CellName] = []
    hidden_reference: CellName | None = None
    practice: list[PracticeForm] = []
    gold: list[GoldForm] = []
    gold_per_visit: int | None = Field(default=None, ge=0)
    repeats_per_visit: int = Field(default=0, ge=0)
    trials_per_visit: int | None = Field(default=None, ge=1)
    votes_wanted: int | None = Field(default=None, ge=1)
    lease_minutes: int = Field(default=60, ge=1, le=7 * 24 * 60)
    entry: Literal["open", "invited"] = "open"

    @model_validator(mode="after")
    def _of_one_mode(self) -> "StudyForm":
        problems = []
        if self.mode == "pairwise" and self.scale is not None:
            problems.append("scale belongs to mode rating; a pairwise study has ties: true or false")
        if self.mode == "rating" and self.ties is not None:
            problems.append("ties belongs to mode pairwise; a rating study has a scale")
        if len(set(self.languages)) < len(self.languages):
            problems.append("languages names one twice")
        wrong = [
            item.scene for item in (*self.practice, *self.gold) if (item.method is None) != (self.mode != "rating")
        ]
        if wrong:
            needed = "method" if self.mode == "rating" else "left and right"
            problems.append(
                f"practice and gold items of a {self.mode} study name {needed} (scenes: {', '.join(wrong)})"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self
