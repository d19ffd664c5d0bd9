"""Render bokeh for photos from the command line."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from bggan_core.rendering import Renderer
from demo.uploads import UploadError, read_photo


def main(
    photos: Annotated[list[Path], typer.Argument(help="Pictures, at their full size.", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option(help="Folder for the renderings; made if missing.")],
    weights: Annotated[Path, typer.Option(help="Folder with manifest.json and the network.")] = Path("weights"),
    beside: Annotated[
        int | None, typer.Option(min=1, help="Write before and after side by side instead, scaled to this height.")
    ] = None,
) -> None:
    """Write NAME.jpg for every photo: upright, in sRGB, at the photo's own size; read as the page reads uploads."""
    targets = _name_targets(photos, to)
    renderer = Renderer.from_folder(weights)
    to.mkdir(parents=True, exist_ok=True)
    for path, target in zip(photos, targets, strict=True):
        try:
            photo = read_photo(path)
        except UploadError as error:
            raise typer.BadParameter(f"{path}: {error}") from error
        began = time.monotonic()
        rendering = renderer.render(photo.rgb)
        result = Image.fromarray(rendering) if beside is None else _side_by_side(photo.rgb, rendering, height=beside)
        result.save(target, quality=95 if beside is None else 85, subsampling=0)
        typer.echo(
            f"{target}: {rendering.shape[1]} x {rendering.shape[0]} in {time.monotonic() - began:.1f} s "
            f"{' '.join(photo.notes)}".rstrip()
        )


def _name_targets(photos: Sequence[Path], to: Path) -> list[Path]:
    """Name each photo's rendering, and refuse names under which a photo or another rendering would be lost."""
    targets = [to / f"{path.stem}.jpg" for path in photos]
    originals = {path.resolve() for path in photos}
    if overwritten := [target for target in targets if target.resolve() in originals]:
        raise typer.BadParameter(
            f"{overwritten[0]} is one of the photos, and its rendering would replace it: give another folder",
            param_hint="--to",
        )
    if shared := [target for target, count in Counter(targets).items() if count > 1]:
        raise typer.BadParameter(
            f"several photos would be rendered to {shared[0]}: render them into different folders, or rename one"
        )
    return targets


def _side_by_side(photo: np.ndarray, rendering: np.ndarray, *, height: int) -> Image.Image:
    both = Image.fromarray(np.hstack([photo, rendering]))
    return both.resize((round(both.width * height / both.height), height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    typer.run(main)
