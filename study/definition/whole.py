"""A whole and valid study, and the content that its hash covers."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.chain import canonical_json, text_sha256
from study.definition.folders import SourcePicture
from study.records import Mode
from study.scale import Scale

GROUND_TRUTH = "ground_truth"


@dataclass(frozen=True)
class Item:
    """A practice or gold item; `right_method` is None in a rating study.

    `accepted` holds every accepted value or choice.
    """

    scene: str
    method: str
    right_method: str | None
    accepted: tuple[int, ...] | tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """All that raters read in one language; `feedback` has one text per practice item, "" for the usual ones."""

    title: str
    question: str
    instructions: str
    consent: str
    scale_labels: tuple[str, ...]
    feedback: tuple[str, ...]


@dataclass(frozen=True)
class StudyDefinition:
    """What is shown, what is asked, what may be answered, and how much of it one rater gets.

    Attributes:
        languages: The default one first; `words` has an entry for each.
        scenes, methods: The design's; every pair of them has a picture.
        extra_scenes, extra_methods: Only practice and gold items show them.
        hidden_reference: A name among `methods` (or, for items only, `extra_methods`) whose pictures are the ground
            truth's.
    """

    name: str
    mode: Mode
    languages: tuple[str, ...]
    words: Mapping[str, Words]
    consent_version: str
    scale: Scale | None
    ties_allowed: bool
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    extra_scenes: tuple[str, ...]
    extra_methods: tuple[str, ...]
    hidden_reference: str | None
    practice: tuple[Item, ...]
    gold: tuple[Item, ...]
    gold_per_visit: int
    repeats_per_visit: int
    trials_per_visit: int
    votes_wanted: int | None
    lease_minutes: int
    invitation_required: bool
    pictures: tuple[SourcePicture, ...]

    @property
    def title(self) -> str:
        """Headline in the default language."""
        return self.words[self.languages[0]].title

    @property
    def question(self) -> str:
        """Question in the default language."""
        return self.words[self.languages[0]].question

    def content(self) -> dict[str, object]:
        """The definition as JSON types: words, scale, names, design and every pixel's hash, but no path and no date."""
        return {
            "form": 2,
            "name": self.name,
            "mode": self.mode,
            "languages": list(self.languages),
            "words": {language: _words_content(words) for language, words in self.words.items()},
            "consent_version": self.consent_version,
            "scale": [] if self.scale is None else [[point.value, point.label] for point in self.scale.points],
            "ties_allowed": self.ties_allowed,
            "scenes": list(self.scenes),
            "methods": list(self.methods),
            "extra_scenes": list(self.extra_scenes),
            "extra_methods": list(self.extra_methods),
            "hidden_reference": self.hidden_reference,
            "practice": [_item_content(item) for item in self.practice],
            "gold": [_item_content(item) for item in self.gold],
            "gold_per_visit": self.gold_per_visit,
            "repeats_per_visit": self.repeats_per_visit,
            "trials_per_visit": self.trials_per_visit,
            "votes_wanted": self.votes_wanted,
            "lease_minutes": self.lease_minutes,
            "invitation_required": self.invitation_required,
            "pictures": sorted([p.scene, p.method or "", p.pixel_sha256] for p in self.pictures),
        }

    @property
    def sha256(self) -> str:
        """The study's hash, over its content."""
        return text_sha256(canonical_json(self.content()))


def _words_content(words: Words) -> dict[str, object]:
    return {
        "title": words.title,
        "question": words.question,
        "instructions": words.instructions,
        "consent": words.consent,
        "scale_labels": list(words.scale_labels),
        "feedback": list(words.feedback),
    }


def _item_content(item: Item) -> list[object]:
    return [item.scene, item.method, item.right_method, list(item.accepted)]
