"""What the store hands out and takes in: plain frozen records, free of any database."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from study.scale import Scale

StudyStatus = Literal["draft", "open", "closed"]


@dataclass(frozen=True)
class StudyRecord:
    """A stored study with all its names. Names of scenes and methods are for researchers only."""

    name: str
    title: str
    question: str
    scale: Scale
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    sha256: str
    seed: int
    status: StudyStatus


@dataclass(frozen=True)
class StudyProgress:
    """How far a study has come."""

    raters: int
    finished_raters: int
    votes: int


@dataclass(frozen=True)
class Trial:
    """One picture to be rated, by its random tokens; sizes are pixels."""

    token: str
    ground_truth_token: str
    stimulus_token: str
    width: int
    height: int


@dataclass(frozen=True)
class VisitState:
    """Where a rater stands: `current` is None after the last answer, `upcoming` is there to be loaded ahead."""

    answered: int
    total: int
    current: Trial | None
    upcoming: Trial | None


@dataclass(frozen=True)
class Answer:
    """What a rater answered and on what screen; sizes are CSS pixels."""

    value: int
    response_ms: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float


@dataclass(frozen=True)
class StoredPicture:
    """Whose picture a token names, and under which sha256 its bytes are kept."""

    study: str
    rater: str
    sha256: str


@dataclass(frozen=True)
class VoteRecord:
    """One vote with everything known about it."""

    study_sha256: str
    ordinal: int
    rater: str
    position: int
    scene: str
    method: str
    value: int
    response_ms: int
    viewport_width: int
    viewport_height: int
    device_pixel_ratio: float
    presented_at: datetime
    voted_at: datetime

    def content(self) -> dict[str, object]:
        """The fields as JSON types, moments in ISO 8601 UTC: what is hashed, journalled and exported."""
        moments = {"presented_at": self.presented_at.isoformat(), "voted_at": self.voted_at.isoformat()}
        return {**asdict(self), **moments}


@dataclass(frozen=True)
class ChainedVote:
    """A vote in its place in the chain."""

    vote: VoteRecord
    previous_sha256: str
    sha256: str

    def content(self) -> dict[str, object]:
        """The vote's fields and its two hashes as JSON types."""
        return {**self.vote.content(), "previous_sha256": self.previous_sha256, "sha256": self.sha256}
