"""What a study shows and asks, read from folders and checked whole before anything is stored.

The folder holds `ground_truth/` and one folder per method; every folder has one picture per scene, and the file's
stem is the scene's name. Files beside these folders (a README, a licence) are ignored, and so is all that is hidden.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study.scale import Scale, rating_scale
from study.stimuli import load_picture, pixel_sha256

GROUND_TRUTH = "ground_truth"
DEFAULT_QUESTION = "How similar is this picture to the ground truth?"
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
_STUDY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CELL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,79}")


@dataclass(frozen=True)
class SourcePicture:
    """One checked picture of the source folder; `method` is None for the ground truth."""

    scene: str
    method: str | None
    path: Path
    width: int
    height: int
    pixel_sha256: str


@dataclass(frozen=True)
class StudyDefinition:
    """A whole and valid study: what is shown, what is asked, what may be answered."""

    name: str
    title: str
    question: str
    scale: Scale
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    pictures: tuple[SourcePicture, ...]

    @property
    def sha256(self) -> str:
        """The study's hash: over its words, its scale, its names and every pixel, but no path and no date."""
        content = {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "scale": [[point.value, point.label] for point in self.scale.points],
            "methods": list(self.methods),
            "pictures": sorted([p.scene, p.method or "", p.pixel_sha256] for p in self.pictures),
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def read_study(
    folder: Path,
    *,
    name: str,
    title: str | None = None,
    question: str = DEFAULT_QUESTION,
    scale: Scale | None = None,
) -> StudyDefinition:
    """Read a study from its folders, decoding every picture.

    Args:
        folder: Holds `ground_truth/` and one folder per method.
        name: Used in the link and on the command line: small letters, digits, `-` and `_`. Raters see it.
        title: Headline of the rater's page; left out, no headline is made from the name.
        question: What raters answer about each picture.
        scale: The answers; left out, the paper's 0-5.
    Raises:
        ValueError: anything is wrong; the message lists every problem found, not only the first.
    """
    problems = [] if _STUDY_NAME.fullmatch(name) else [f"name {name!r}: use a-z, 0-9, - and _, at most 64, a-z first"]
    problems += [] if question.strip() else ["question is empty"]
    files, found = _picture_files(folder)
    problems += found
    pictures, unreadable = _decode(files)
    problems += unreadable
    problems += _missing(files) + _unequal_sizes(pictures) + _duplicates(pictures)
    if problems:
        raise ValueError(f"study folder {folder} has {len(problems)} problem(s):\n- " + "\n- ".join(problems))
    return StudyDefinition(
        name=name,
        title=title or "Compare pictures",
        question=question.strip(),
        scale=scale or rating_scale(),
        scenes=tuple(sorted(files[GROUND_TRUTH])),
        methods=tuple(sorted(method for method in files if method != GROUND_TRUTH)),
        pictures=tuple(pictures),
    )


PictureFiles = dict[str, dict[str, Path]]  # folder name -> scene -> file


def _picture_files(folder: Path) -> tuple[PictureFiles, list[str]]:
    """Find every folder's pictures by scene, and what is wrong with folders and names."""
    if not folder.is_dir():
        return {}, [f"folder {folder} does not exist"]
    problems: list[str] = []
    files: PictureFiles = {}
    for subfolder in _visible(folder):
        if subfolder.is_dir():
            files[subfolder.name] = _pictures_in(subfolder, problems)
    if GROUND_TRUTH not in files:
        problems.append(f"{GROUND_TRUTH}/ is missing")
    elif not files[GROUND_TRUTH]:
        problems.append(f"{GROUND_TRUTH}/ holds no pictures")
    if not set(files) - {GROUND_TRUTH}:
        problems.append("there is no method folder beside ground_truth/; a study needs at least one")
    problems += [f"{method}/: bad method name" for method in files if not _CELL_NAME.fullmatch(method)]
    return files, problems


def _pictures_in(subfolder: Path, problems: list[str]) -> dict[str, Path]:
    """Map scene names to files, adding what does not fit to `problems`."""
    pictures: dict[str, Path] = {}
    for path in _visible(subfolder):
        where = f"{subfolder.name}/{path.name}"
        if path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            problems.append(f"{where}: not a picture file ({', '.join(sorted(PICTURE_SUFFIXES))})")
        elif not _CELL_NAME.fullmatch(path.stem):
            problems.append(f"{where}: bad scene name; use letters, digits, space and . _ + -")
        elif path.stem in pictures:
            problems.append(f"{where}: scene {path.stem} is already given by {pictures[path.stem].name}")
        else:
            pictures[path.stem] = path
    return pictures


def _visible(folder: Path) -> Iterator[Path]:
    """Everything in the folder that is not hidden, in the order of names."""
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))


def _decode(files: PictureFiles) -> tuple[list[SourcePicture], list[str]]:
    """Decode every picture once; the pictures are named by their pixels."""
    pictures, problems = [], []
    for subfolder, scenes in files.items():
        for scene, path in scenes.items():
            try:
                image = load_picture(path)
            except ValueError as error:
                problems.append(f"{subfolder}/{path.name}: {error}")
                continue
            method = None if subfolder == GROUND_TRUTH else subfolder
            pictures.append(SourcePicture(scene, method, path, image.width, image.height, pixel_sha256(image)))
    return pictures, problems


def _missing(files: PictureFiles) -> list[str]:
    """Every cell of the scene x method table that has no file, and every file that has no ground truth."""
    reference = set(files.get(GROUND_TRUTH, {}))
    problems = []
    for method in sorted(set(files) - {GROUND_TRUTH}):
        given = set(files[method])
        problems += [f"{method}/: scene {scene} is missing" for scene in sorted(reference - given)]
        problems += [f"{method}/: scene {scene} has no ground truth" for scene in sorted(given - reference)]
    return problems


def _unequal_sizes(pictures: list[SourcePicture]) -> list[str]:
    """Scenes whose pictures differ in size: a rater would tell methods by it."""
    sizes: dict[str, dict[tuple[int, int], list[str]]] = defaultdict(lambda: defaultdict(list))
    for picture in pictures:
        sizes[picture.scene][picture.width, picture.height].append(picture.method or GROUND_TRUTH)
    problems = []
    for scene, by_size in sorted(sizes.items()):
        if len(by_size) > 1:
            listed = "; ".join(f"{w}x{h} in {', '.join(where)}" for (w, h), where in sorted(by_size.items()))
            problems.append(f"scene {scene}: unequal sizes: {listed}")
    return problems


def _duplicates(pictures: list[SourcePicture]) -> list[str]:
    """Pictures with the same pixels: most often a file copied into the wrong folder."""
    places: dict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        places[picture.pixel_sha256].append(f"{picture.method or GROUND_TRUTH}/{picture.path.name}")
    return [f"the same picture: {', '.join(where)}" for where in places.values() if len(where) > 1]
