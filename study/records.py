"""What the store hands out and takes in: plain frozen records, free of any database.

Two modes share them. A *rating* study puts one picture beside the ground truth and asks for a value of the scale; a
*pairwise* study puts two pictures beside it and asks for a side. Fields of the other mode are None.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from study.scale import Scale

StudyStatus = Literal["draft", "open", "closed"]
Mode = Literal["rating", "pairwise"]
Purpose = Literal["main", "repeat", "gold"]
TrialPurpose = Literal["practice", "main", "repeat", "gold"]
Choice = Literal["left", "right", "tie"]
Stage = Literal["screen", "practice", "trials", "finished", "withdrawn"]
Text = Mapping[str, str]  # language code -> words


@dataclass(frozen=True)
class StudyRecord:
    """A stored study. Names of scenes and methods are for researchers only; both list the design alone, without what
    only practice and gold items show.

    Attributes:
        title, question: In the study's default language.
        scale: The answers of a rating study; None in a pairwise one.
        hidden_reference: The method whose pictures are the ground truth itself; None where there is none.
        ties_allowed: Whether "no difference" may be answered; False in a rating study.
        languages: Codes such as `en`, the default one first.
        votes_wanted: Per cell of the design; None for as many as raters come.
        trials_per_visit: Cells of the design that one rater sees.
    """

    name: str
    title: str
    question: str
    mode: Mode
    scale: Scale | None
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    hidden_reference: str | None
    ties_allowed: bool
    languages: tuple[str, ...]
    votes_wanted: int | None
    trials_per_visit: int
    sha256: str
    seed: int
    status: StudyStatus


@dataclass(frozen=True)
class StudyWords:
    """What raters read, in one language; `consent_sha256` names exactly this consent text."""

    language: str
    title: str
    question: str
    instructions: str
    consent: str
    consent_version: str
    consent_sha256: str
    scale_labels: tuple[str, ...]


@dataclass(frozen=True)
class VisitOutline:
    """What a rater is told of a visit before it begins; `trials` without practice, `minutes` a guess."""

    practice: int
    trials: int
    minutes: int
    invitation_required: bool


@dataclass(frozen=True)
class StudyProgress:
    """How far a study has come; `votes` are those that stand, of every purpose."""

    raters: int
    finished_raters: int
    votes: int


@dataclass(frozen=True)
class RaterRecord:
    """One rater, for researchers; `answered` and `assigned` count all but practice trials.

    `simulated` raters were made by the simulator: whatever rests on their votes must say so.
    """

    rater: str
    ordinal: int
    language: str
    began_at: datetime
    answered: int
    assigned: int
    withdrawn_at: datetime | None
    simulated: bool


@dataclass(frozen=True)
class CellCount:
    """How full one cell of the design is; `right_method` is None in a rating study.

    Attributes:
        answered: Standing main votes.
        leased: Unanswered main trials whose lease is live, while the study takes votes.
        lapsed: The other unanswered main trials that nobody took over yet.
    """

    scene: str
    method: str
    right_method: str | None
    answered: int
    leased: int
    lapsed: int


@dataclass(frozen=True)
class Trial:
    """One question as a rater's browser may know it, by random tokens; sizes are pixels.

    `picture_tokens` has one token in a rating study, and left and right in a pairwise one.
    """

    token: str
    is_practice: bool
    ground_truth_token: str
    picture_tokens: tuple[str, ...]
    width: int
    height: int


@dataclass(frozen=True)
class VisitState:
    """Where a rater stands: `current` is None outside of practice and trials, `upcoming` is there to be loaded ahead.

    Attributes:
        answered, total: Of all trials but practice.
        practice_answered, practice_total: Of practice.
        undo_token: Token of the last answered trial while its answer may be taken back.
        seconds_left: Estimate from the rater's own pace.
    """

    stage: Stage
    language: str
    answered: int
    total: int
    practice_answered: int
    practice_total: int
    current: Trial | None
    upcoming: Trial | None
    undo_token: str | None
    seconds_left: int


@dataclass(frozen=True)
class Screen:
    """What a rater's browser says of its screen; sizes are CSS pixels, None is "the browser does not say"."""

    screen_width: int
    screen_height: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float
    zoom: float
    color_gamut: str | None
    pointer: str | None
    dark_room: bool | None


@dataclass(frozen=True)
class Answer:
    """What a rater answered and on what screen: `value` or `choice`; sizes are CSS pixels.

    `zoomed` counts how often the rater zoomed, flipped to the ground truth or used the loupe.
    """

    response_ms: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float
    zoomed: int = 0
    value: int | None = None
    choice: Choice | None = None


@dataclass(frozen=True)
class Feedback:
    """What a practice answer is told."""

    within_expected: bool
    text: str


@dataclass(frozen=True)
class StoredPicture:
    """Whose picture a token names, and under which sha256 its bytes are kept."""

    study: str
    rater: str
    sha256: str


@dataclass(frozen=True)
class VoteRecord:
    """One vote with everything known about it.

    Attributes:
        ordinal: Place in the study's chain. Chains also hold entries that are no votes, so ordinals have gaps.
        position: In the rater's order; practice comes first, so the first vote's position may be above 0.
        form: Of `content`: 1 for votes given before pairwise studies were there, 2 since.
    """

    study_sha256: str
    ordinal: int
    rater: str
    position: int
    purpose: Purpose
    scene: str
    response_ms: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float
    zoomed: int
    presented_at: datetime
    voted_at: datetime
    method: str | None = None
    value: int | None = None
    left_method: str | None = None
    right_method: str | None = None
    choice: Choice | None = None
    form: int = 2

    def content(self) -> dict[str, object]:
        """The fields as JSON types, moments in ISO 8601 UTC: what is hashed, journalled and exported."""
        moments = {"presented_at": self.presented_at.isoformat(), "voted_at": self.voted_at.isoformat()}
        content = {"kind": "vote", **asdict(self), **moments}
        if self.form == 1:
            for later in ("kind", "form", "purpose", "zoomed", "left_method", "right_method", "choice"):
                del content[later]
        return content


@dataclass(frozen=True)
class ChainedVote:
    """A vote in its place in the chain.

    `nonce` is random and hashed along with the content, so that the hash of a withdrawn vote, which stays, tells
    nobody what the vote was. Votes of form 1 have none.
    """

    vote: VoteRecord
    nonce: str | None
    previous_sha256: str
    sha256: str

    def content(self) -> dict[str, object]:
        """The vote's fields, its nonce and its two hashes as JSON types."""
        hashes = {"previous_sha256": self.previous_sha256, "sha256": self.sha256}
        return {**self.vote.content(), **({} if self.nonce is None else {"nonce": self.nonce}), **hashes}
