"""Generate a tiny data set in EBB!'s exact layout, to try training and evaluation without the real one.

Its faults are EBB!'s too: shifts between the pictures, black wedges where one was warped, and differing exposure. Only
the pictures are not: they show generated shapes.
"""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from bggan_core.data.ebb import FIRST_VALIDATION_ID
from bggan_core.optics import Array, Lens, render_shallow_depth_of_field

TRUTH_NAME = "generated-truth.csv"


@dataclass(frozen=True)
class Fault:
    """What was done to one pair's bokeh: shift and rotation against the photo, and exposure."""

    name: str
    right_px: float
    down_px: float
    degrees: float
    gain: float


def main(
    to: Annotated[Path, typer.Option(help="Folder to write.")],
    pairs: Annotated[int, typer.Option(min=1, help="Training pairs, from id 0 on.")] = 8,
    validation: Annotated[int, typer.Option(min=0, help="Validation pairs, from id 4400 on.")] = 4,
    height: Annotated[int, typer.Option(min=32, help="Pixels; EBB!'s photos are 1024 high.")] = 1024,
    layout: Annotated[str, typer.Option(help="challenge or pynet.")] = "challenge",
    seed: Annotated[int, typer.Option(help="The same seed gives the same pictures.")] = 0,
) -> None:
    """Write the pictures, and `generated-truth.csv` with each pair's shift, rotation and gain."""
    if layout not in ("challenge", "pynet"):
        raise typer.BadParameter(f"got {layout!r}; use challenge or pynet", param_hint="--layout")
    ids = [*range(pairs), *range(FIRST_VALIDATION_ID, FIRST_VALIDATION_ID + validation)]
    faults = [_write_pair(number, to, height=height, layout=layout, seed=seed) for number in ids]
    with (to / TRUTH_NAME).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(faults[0])))
        writer.writeheader()
        writer.writerows(asdict(fault) for fault in faults)
    if layout == "challenge":
        _write(to / "ValidationBokehFree" / "0.png", generate_scene(height, height, seed=seed)[0])
    typer.echo(f"{pairs} training and {validation} validation pairs in {to}")


def generate_scene(height: int, width: int, *, seed: int | list[int]) -> tuple[Array, Array, Array]:
    """Draw a textured ground with a round subject before it: photo [H, W, 3], matte and disparity [H, W], in [0, 1]."""
    rng = np.random.default_rng(seed)
    photo = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64, 256):
        noise = rng.random((cells, cells * width // height + 1, 3), dtype=np.float32)
        photo += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / 4
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    centre = (rng.uniform(0.3, 0.7) * width / height, rng.uniform(0.4, 0.6))
    matte = np.clip((rng.uniform(0.2, 0.3) - np.hypot(x - centre[0], y - centre[1])) * height, 0.0, 1.0)
    tint = rng.uniform(0.3, 1.0, 3).astype(np.float32)
    photo = np.clip(0.15 + 0.8 * (photo * (1 + matte[..., None] * (tint - 1))), 0.0, 1.0)
    return photo, matte, np.where(matte > 0.5, 0.8, 0.1 + 0.5 * y**2).astype(np.float32)


def _write_pair(number: int, folder: Path, *, height: int, layout: str, seed: int) -> Fault:
    rng = np.random.default_rng([seed, number])
    width = int(height * rng.uniform(1.48, 1.52))
    photo, matte, disparity = generate_scene(height, width, seed=[seed, number])
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(aperture_px=height / 64, focus=0.8))
    fault = Fault(
        name=f"ebb/{number}",
        right_px=round(rng.uniform(-2, 2), 2) + 8 * (number % 4 == 3),  # EBB!'s shifts: 0 to 2 px, some of 8
        down_px=round(rng.uniform(-2, 2), 2),
        degrees=round(rng.uniform(-0.4, 0.4), 2),
        gain=round(rng.uniform(0.94, 1.06), 3),
    )
    splits = {"challenge": ("Training", "Training"), "pynet": ("train", "test")}[layout]
    part = folder / splits[number >= FIRST_VALIDATION_ID]
    _write(part / "original" / f"{number}.jpg", photo)
    _write(part / "bokeh" / f"{number}.jpg", _misregister(bokeh, fault))
    return fault


def _misregister(bokeh: Array, fault: Fault) -> Array:
    height, width = bokeh.shape[:2]
    warp = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), fault.degrees, 1.0)
    warp[:, 2] += fault.right_px, fault.down_px
    return cv2.warpAffine(np.clip(bokeh * fault.gain, 0.0, 1.0), warp, (width, height), flags=cv2.INTER_LINEAR)


def _write(path: Path, picture: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.rint(picture[..., ::-1] * 255).astype(np.uint8))  # JPEG quality 95


if __name__ == "__main__":
    typer.run(main)
