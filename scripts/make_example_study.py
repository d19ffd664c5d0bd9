"""Make the shipped example study: photos the network never trained on, rendered by four methods and by optics."""

import shutil
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from bggan_core.data.corpus import PHOTO_LIST_NAME, load_scene, read_manifest, read_photo_list, series_of
from bggan_core.data.scenes import steepen_matte
from bggan_core.data.synthetic import focus_on_subject, render_focused
from bggan_core.evaluation import global_gaussian
from bggan_core.optics import Array
from bggan_core.rendering import Renderer

# Radius of the farthest background as a share of the longer side: what training pairs have on average, and too much.
TRUE_RADIUS, WRONG_RADIUS = 0.013, 0.03


def main(
    scenes: Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")] = Path(
        "examples/scenes"
    ),
    weights: Annotated[Path, typer.Option(help="Folder with manifest.json and the network.")] = Path("weights"),
    to: Annotated[
        Path, typer.Option(help="Folder of the studies; ground_truth/ and the methods' folders are replaced.")
    ] = Path("examples/study"),
) -> None:
    """Write ground_truth/ and one folder a method, a picture a scene in each."""
    names = [entry.name for entry in read_manifest(scenes)]
    trained = read_photo_list(weights / PHOTO_LIST_NAME)
    known = [name for name in names if series_of(name) in trained]
    if known:
        raise typer.BadParameter(f"the network was trained on {', '.join(known)}", param_hint="--scenes")
    renderer = Renderer.from_folder(weights)
    for number, name in enumerate(names, start=1):
        for method, picture in _render_scene(scenes, name, renderer).items():
            path = to / method / f"scene_{number:02d}.jpg"
            if number == 1 and path.parent.exists():
                shutil.rmtree(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), _to_bytes(picture)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
    typer.echo(f"{len(names)} scenes in {to}")


def _render_scene(scenes: Path, name: str, renderer: Renderer) -> dict[str, Array]:
    scene = steepen_matte(load_scene(scenes, name))
    longer = max(scene.matte.shape)
    truth, wrong = (
        render_focused(scene, focus_on_subject(scene, radius_px=share * longer))
        for share in (TRUE_RADIUS, WRONG_RADIUS)
    )
    return {
        "ground_truth": truth,
        "glass_net": renderer.render(_to_bytes(scene.photo)).astype(np.float32) / 255,
        "unprocessed": scene.photo,
        "global_gaussian": global_gaussian(scene.photo),
        "lens_blur_too_strong": wrong,
    }


def _to_bytes(picture: Array) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
