"""Copying a study's pictures to where later edits of the source folders cannot reach them."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from study.definition import SourcePicture, StudyDefinition
from study.stimuli import StimulusFolder, encode_picture, equal_lengths, load_picture, pixel_sha256


def freeze_pictures(definition: StudyDefinition, folder: StimulusFolder) -> dict[tuple[str, str | None], str]:
    """Keep every picture as a stimulus and return the stored names by (scene, method); method None: ground truth.

    Raises:
        ValueError: a source file no longer holds the pixels that were checked.
    """
    by_scene: dict[str, list[SourcePicture]] = defaultdict(list)
    for picture in definition.pictures:
        by_scene[picture.scene].append(picture)

    def freeze_scene(pictures: list[SourcePicture]) -> dict[tuple[str, str | None], str]:
        encoded = {(picture.scene, picture.method): _encode_checked(picture) for picture in pictures}
        return {cell: folder.keep(png) for cell, png in equal_lengths(encoded).items()}

    # Two at a time: zlib runs outside the interpreter's lock, and memory stays at two scenes.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return {cell: name for scene in pool.map(freeze_scene, by_scene.values()) for cell, name in scene.items()}


def _encode_checked(picture: SourcePicture) -> bytes:
    """Encode a source picture if it still is what was checked."""
    image = load_picture(picture.path)
    if pixel_sha256(image) != picture.pixel_sha256:
        raise ValueError(f"picture {picture.path} changed while the study was being created")
    return encode_picture(image)
