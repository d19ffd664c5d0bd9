"""How far apart are two methods on the same pairs? Reads the single scores that `evaluate.py --to` or `ablate.py` kept.

The intervals of two means overlap because pairs differ, though one method may be better on nearly every pair; the
differences pair by pair say so.
"""

import csv
from pathlib import Path
from typing import Annotated

import typer

from bggan_core.evaluation import MEASURES, bootstrap_mean

SEED = 7


def main(
    scores: Annotated[Path, typer.Argument(help="scores.csv, one row for every method and pair.")],
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
        pairs = [pair for pair in own if pair in other and own[pair].get(measure) and other[pair].get(measure)]
        if len(pairs) > 1:
            differences = [float(own[pair][measure]) - float(other[pair][measure]) for pair in pairs]
            difference = bootstrap_mean(differences, seed=SEED).format(digits + 1)
            typer.echo(f"| {heading} | {difference} | {len(pairs)} |")


def _of_method(rows: list[dict[str, str]], method: str) -> dict[str, dict[str, str]]:
    """A method's row for each pair."""
    found = {row["pair"]: row for row in rows if row["method"] == method}
    if not found:
        known = ", ".join(sorted({row["method"] for row in rows}))
        raise typer.BadParameter(f"no method {method!r} in the file; it has: {known}")
    return found


if __name__ == "__main__":
    typer.run(main)
