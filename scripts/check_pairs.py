"""Check photographed pairs before training on them: shift between the two pictures, exposure, masked wedges."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from bggan_core.data.ebb import bokeh_free_photos, is_ebb, read_ebb
from bggan_core.data.photo_pairs import load_pair, read_photo_pairs
from bggan_core.data.registration import check_pair, within, write_checks


def main(
    folder: Annotated[Path, typer.Argument(help="EBB! in the challenge's or PyNET's layout, or original/ and bokeh/.")],
    to: Annotated[Path, typer.Option(help="CSV with one row a pair.")] = Path("pairs.csv"),
    largest_shift_px: Annotated[float, typer.Option(min=0, help="Pairs farther apart are listed as misaligned.")] = 4.0,
    keep: Annotated[
        Path | None, typer.Option(help="Pair list to write without the misaligned ones, for scripts/train.py.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pairs.")] = None,
) -> None:
    """Measure every pair by phase correlation, list the misaligned ones, and write a pair list that leaves them out."""
    pairs = (read_ebb(folder) if is_ebb(folder) else read_photo_pairs(folder))[:limit]
    checks = write_checks((check_pair(load_pair(pair)) for pair in tqdm(pairs, unit="pair", mininterval=5)), to)
    kept = within(checks, largest_shift_px)
    names = set(kept)
    for check in checks:
        if check.name not in names:
            typer.echo(
                f"{check.name}: {check.shift_px:.1f} px apart ({check.right_px:+.1f} right, {check.down_px:+.1f} down)"
            )
    typer.echo(
        f"{len(checks) - len(kept)} of {len(checks)} pairs are more than {largest_shift_px:g} px apart; see {to}"
    )
    if keep is not None:
        keep.write_text("".join(f"{name}\n" for name in kept), encoding="utf-8")
        typer.echo(f"{len(kept)} names in {keep}")
    if is_ebb(folder) and (free := bokeh_free_photos(folder)):
        typer.echo(f"{len(free)} photos have no public ground truth: scripts/render.py renders them")


if __name__ == "__main__":
    typer.run(main)
