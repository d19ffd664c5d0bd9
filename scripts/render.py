"""Render bokeh for photos from the command line."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps

from bggan_core.rendering import Renderer


def main(
    photos: Annotated[list[Path], typer.Argument(help="Pictures, at their full size.", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option(help="Folder for the renderings; made if missing.")],
    weights: Annotated[Path, typer.Option(help="Folder with manifest.json and the network.")] = Path("weights"),
    beside: Annotated[
        int | None, typer.Option(help="Write before and after side by side instead, scaled to this height.")
    ] = None,
) -> None:
    """Write NAME.jpg for every photo, at the photo's own size."""
    renderer = Renderer.from_folder(weights)
    to.mkdir(parents=True, exist_ok=True)
    for path in photos:
        with Image.open(path) as picture:
            photo = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        began = time.monotonic()
        target = to / f"{path.stem}.jpg"
        rendering = renderer.render(photo)
        result = Image.fromarray(rendering) if beside is None else _side_by_side(photo, rendering, height=beside)
        result.save(target, quality=95 if beside is None else 85, subsampling=0)
        typer.echo(f"{target}: {photo.shape[1]} x {photo.shape[0]} in {time.monotonic() - began:.1f} s")


def _side_by_side(photo: np.ndarray, rendering: np.ndarray, *, height: int) -> Image.Image:
    both = Image.fromarray(np.hstack([photo, rendering]))
    return both.resize((round(both.width * height / both.height), height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    typer.run(main)
