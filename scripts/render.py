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
) -> None:
    """Write NAME.jpg for every photo, at the photo's own size."""
    renderer = Renderer.from_folder(weights)
    to.mkdir(parents=True, exist_ok=True)
    for path in photos:
        photo = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        began = time.monotonic()
        target = to / f"{path.stem}.jpg"
        Image.fromarray(renderer.render(photo)).save(target, quality=95, subsampling=0)
        typer.echo(f"{target}: {photo.shape[1]} x {photo.shape[0]} in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    typer.run(main)
