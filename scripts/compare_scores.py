"""How far apart are two methods on the same pairs? Reads the single scores that `evaluate.py --to` or `ablate.py` kept.

The intervals of two means overlap because pairs differ, though one method may be better on nearly every pair; the
differences pair by pair say so.
"""

import csv
import math
from pathlib import Path
from typing import Annotated

import typer

from bggan_core.evaluation import MEASURES, bootstrap_mean

SEED = 7


def main(
    scores: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="scores.csv, one row for every method and pair.")
    ],
    first: Annotated[str, typer.Argument(help="Method, as the file names it.")],
    second: Annotated[str, typer.Argument(help="Method it is compared with.")],
) -> None:
    """Print first minus second for every measure: mean over pairs with its 95 % bootstrap interval."""
    with scores.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    own, other = _of_method(rows, first), _of_method(rows, second)
    typer.echo(f"{first} minus {second}, on the pairs that allow both\n")
    typer.echo("| Measure | Difference | n |\n|---|---|---|")
    for measure, (heading, digits) in MEASURES.items():
        apart = [_number(own[pair], measure) - _number(other[pair], measure) for pair in own if pair in other]
        differences = [difference for difference in apart if math.isfinite(difference)]
        if len(differences) > 1:
            difference = bootstrap_mean(differences, seed=SEED).format(digits + 1)
            typer.echo(f"| {heading} | {difference} | {len(differences)} |")


def _number(row: dict[str, str], measure: str) -> float:
    """A score; NaN where the picture did not allow it. A picture equal to its ground truth has an infinite PSNR."""
    return float(row.get(measure) or "nan")


def _of_method(rows: list[dict[str, str]], method: str) -> dict[str, dict[str, str]]:
    """A method's row for each pair."""
    found = {row["pair"]: row for row in rows if row["method"] == method}
    if not found:
        known = ", ".join(sorted({row["method"] for row in rows}))
        raise typer.BadParameter(f"no method {method!r} in the file; it has: {known}")
    return found


if __name__ == "__main__":
    typer.run(main)
