"""A study's definition: read from a file or a folder, checked whole, hashed."""

from study.definition.folders import SourcePicture
from study.definition.reading import read_study, read_study_file
from study.definition.whole import GROUND_TRUTH, Item, StudyDefinition, Words
from study.definition.words import DEFAULT_QUESTION

__all__ = [
    "DEFAULT_QUESTION",
    "GROUND_TRUTH",
    "Item",
    "SourcePicture",
    "StudyDefinition",
    "Words",
    "read_study",
    "read_study_file",
]
