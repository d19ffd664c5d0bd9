"""Look at synthetic pairs before training on them: photo, bokeh and matte side by side on one sheet."""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from bggan_core.configs import CONFIGS, SCORING_CONFIG
from bggan_core.data.corpus import is_held_out, read_manifest
from bggan_core.data.pairs import Pair
from bggan_core.data.synthetic import PairMaker


def main(
    corpus: Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")],
    sheet: Annotated[Path, typer.Option(help="Picture to write.")],
    count: Annotated[int, typer.Option(min=1, help="Pairs on the sheet.")] = 24,
    columns: Annotated[int, typer.Option(min=1, help="Pairs in a row.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.")] = 0,
    recipe: Annotated[str, typer.Option(help="Configuration whose recipe draws the pairs.")] = SCORING_CONFIG,
    held_out: Annotated[bool, typer.Option(help="Draw from the validation photos.")] = False,
) -> None:
    """Write a sheet of the pairs that training would see, or its validation."""
    if recipe not in CONFIGS:
        raise typer.BadParameter(f"unknown: {recipe!r}; known: {', '.join(CONFIGS)}", param_hint="--recipe")
    entries = [entry for entry in read_manifest(corpus) if is_held_out(entry.name) == held_out]
    pairs = CONFIGS[recipe].pairs
    maker = PairMaker(corpus, entries, recipe=pairs.without_variety if held_out else pairs, seed=seed)
    rows = [_tile(maker.make(index, height=256, width=384)) for index in range(count)]
    rows += [np.zeros_like(rows[0])] * (-count % columns)
    picture = np.vstack([np.hstack(rows[i : i + columns]) for i in range(0, len(rows), columns)])
    sheet.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(sheet), picture[..., ::-1]):
        raise typer.BadParameter(f"cannot write {sheet}: use a name that ends in .png or .jpg", param_hint="--sheet")
    typer.echo(f"{count} pairs of {len(entries)} photos on {sheet}")


def _tile(pair: Pair) -> np.ndarray:
    matte = pair.mask if pair.matte is None else pair.matte
    tile = np.hstack([pair.photo, pair.bokeh, np.repeat(matte[..., None], 3, axis=2)])
    return np.rint(tile * 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
