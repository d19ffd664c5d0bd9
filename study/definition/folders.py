"""The pictures of a study: one folder for the ground truth and one per method, a file's stem being its scene.

Everything wrong is collected in words, so that a researcher can mend it in one go. Files beside the folders (a README,
a licence) are ignored, and so is all that is hidden.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from study.definition.form import CELL_NAME
from study.stimuli import load_picture, pixel_sha256

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
PictureFiles = dict[str, dict[str, Path]]  # folder name -> scene -> file


@dataclass(frozen=True)
class SourcePicture:
    """One checked picture of the source folder; `method` is None for the ground truth."""

    scene: str
    method: str | None
    path: Path
    width: int
    height: int
    pixel_sha256: str


def find_pictures(folder: Path, *, ground_truth: str, only: Collection[str] | None) -> tuple[PictureFiles, list[str]]:
    """Find every folder's pictures by scene, and what is wrong with folders and names.

    Args:
        folder: Holds the folders.
        ground_truth: Name of the folder with the ground truth.
        only: Names of the other folders to read; None for all there are.
    """
    if not folder.is_dir():
        return {}, [f"folder {folder} does not exist"]
    problems: list[str] = []
    found = {path.name: path for path in _visible(folder) if path.is_dir()}
    wanted = found if only is None else {ground_truth, *only}
    files = {name: _pictures_in(found[name], problems) for name in sorted(wanted) if name in found}
    problems += [f"{name}/ is missing" for name in sorted({ground_truth, *wanted} - set(found))]
    if ground_truth in files and not files[ground_truth]:
        problems.append(f"{ground_truth}/ holds no pictures")
    problems += [f"{name}/: bad method name" for name in files if not CELL_NAME.fullmatch(name)]
    return files, problems


def _pictures_in(subfolder: Path, problems: list[str]) -> dict[str, Path]:
    """Map scene names to files, adding what does not fit to `problems`."""
    pictures: dict[str, Path] = {}
    for path in _visible(subfolder):
        where = f"{subfolder.name}/{path.name}"
        if path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            problems.append(f"{where}: not a picture file ({', '.join(sorted(PICTURE_SUFFIXES))})")
        elif not CELL_NAME.fullmatch(path.stem):
            problems.append(f"{where}: bad scene name; use letters, digits, space and . _ + -")
        elif path.stem in pictures:
            problems.append(f"{where}: scene {path.stem} is already given by {pictures[path.stem].name}")
        else:
            pictures[path.stem] = path
    return pictures


def _visible(folder: Path) -> Iterator[Path]:
    """Everything in the folder that is not hidden, in the order of names."""
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))


def decode_pictures(files: PictureFiles, *, ground_truth: str) -> tuple[list[SourcePicture], list[str]]:
    """Decode every picture once; the pictures are named by their pixels."""
    pictures, problems = [], []
    for subfolder, scenes in files.items():
        for scene, path in scenes.items():
            try:
                image = load_picture(path)
            except ValueError as error:
                problems.append(f"{subfolder}/{path.name}: {error}")
                continue
            method = None if subfolder == ground_truth else subfolder
            pictures.append(SourcePicture(scene, method, path, image.width, image.height, pixel_sha256(image)))
    return pictures, problems


def missing_pictures(files: PictureFiles, needed: Iterable[tuple[str, str]]) -> list[str]:
    """Name each needed (folder, scene) that has no file; folders missing altogether are named elsewhere."""
    return [
        f"{name}/: scene {scene} is missing" for name, scene in needed if name in files and scene not in files[name]
    ]


def without_ground_truth(files: PictureFiles, *, ground_truth: str) -> list[str]:
    """Name each picture whose scene has no ground truth."""
    known = set(files.get(ground_truth, {}))
    return [
        f"{name}/: scene {scene} has no ground truth"
        for name, scenes in files.items()
        for scene in sorted(set(scenes) - known)
    ]


def unequal_sizes(pictures: Iterable[SourcePicture], *, ground_truth: str) -> list[str]:
    """Scenes whose pictures differ in size: a rater would tell methods by it."""
    sizes: dict[str, dict[tuple[int, int], list[str]]] = defaultdict(lambda: defaultdict(list))
    for picture in pictures:
        sizes[picture.scene][picture.width, picture.height].append(picture.method or ground_truth)
    problems = []
    for scene, by_size in sorted(sizes.items()):
        if len(by_size) > 1:
            listed = "; ".join(f"{w}x{h} in {', '.join(where)}" for (w, h), where in sorted(by_size.items()))
            problems.append(f"scene {scene}: unequal sizes: {listed}")
    return problems


def duplicates(pictures: Iterable[SourcePicture], *, ground_truth: str) -> list[str]:
    """Pictures with the same pixels: most often a file copied into the wrong folder."""
    places: dict[str, list[SourcePicture]] = defaultdict(list)
    for picture in pictures:
        places[picture.pixel_sha256].append(picture)
    problems = []
    for same in places.values():
        if len(same) > 1:
            where = ", ".join(f"{picture.method or ground_truth}/{picture.path.name}" for picture in same)
            is_reference = any(picture.method is None for picture in same)
            hint = " (to have the ground truth itself rated, name a hidden_reference)" if is_reference else ""
            problems.append(f"the same picture: {where}{hint}")
    return problems
