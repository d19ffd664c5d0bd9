"""Draw what a run logged: its losses, and in stage B each critic's gap and penalty."""

from pathlib import Path
from typing import Annotated

import typer

from bggan_core.loss_curves import draw_losses
from bggan_core.monitoring import LOSSES_NAME

PICTURE_SUFFIXES = (".svg", ".png", ".pdf")


def main(
    run: Annotated[Path, typer.Option(help="Folder of the run, or its losses.csv.")],
    to: Annotated[Path, typer.Option(help="Picture to write: .svg, .png or .pdf.")],
    smooth: Annotated[int, typer.Option(min=1, help="Steps of the running mean, drawn over the single steps.")] = 10,
) -> None:
    """Draw one panel for each kind of number the run has."""
    if to.suffix not in PICTURE_SUFFIXES:
        raise typer.BadParameter(f"must end in {', '.join(PICTURE_SUFFIXES)}, got {to.name}", param_hint="--to")
    try:
        draw_losses(run if run.suffix == ".csv" else run / LOSSES_NAME, to, smooth=smooth)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--run") from error


if __name__ == "__main__":
    typer.run(main)
