"""Train Glass-Net (stage A) on synthetic pairs; run the same command again to continue after an interruption."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bggan_core.configs import CONFIGS, TrainingConfig
from bggan_core.data.corpus import is_held_out, read_manifest
from bggan_core.data.synthetic import PairMaker
from bggan_core.training import StageATrainer


def main(
    corpus: Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")],
    run: Annotated[Path, typer.Option(help="Folder for config, checkpoints and logs; continued if it has any.")],
    config: Annotated[str, typer.Option(help=f"One of: {', '.join(CONFIGS)}.")] = "paper-size",
    start_from: Annotated[
        Path | None, typer.Option(help="Run whose weights a new run starts from: the same network, or half its width.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or mixed_bfloat16, instead of the config's.")] = None,
) -> None:
    """Train to the end of the configuration's curriculum."""
    chosen = _choose(config, precision)
    entries = read_manifest(corpus)
    splits = [[entry for entry in entries if is_held_out(entry.name) == held_out] for held_out in (False, True)]
    train_pairs, validation_pairs = (
        PairMaker(corpus, split, recipe=chosen.pairs, seed=chosen.seed + number) for number, split in enumerate(splits)
    )
    trainer = StageATrainer(chosen, run=run, train_pairs=train_pairs, validation_pairs=validation_pairs)
    if start_from is not None and trainer.progress.steps == 0:
        trainer.start_from(start_from)
    typer.echo(f"{chosen.name}: {trainer.network.count_params():,} parameters, at step {trainer.progress.steps}")
    progress = trainer.train()
    typer.echo(f"{progress.steps} steps, {progress.samples} samples, {progress.seconds / 3600:.2f} h of training")


def _choose(name: str, precision: str | None) -> TrainingConfig:
    if name not in CONFIGS:
        raise typer.BadParameter(f"unknown configuration {name!r}; known: {', '.join(CONFIGS)}", param_hint="--config")
    if precision not in (None, "float32", "mixed_bfloat16"):
        raise typer.BadParameter(f"got {precision!r}; use float32 or mixed_bfloat16", param_hint="--precision")
    return replace(CONFIGS[name], precision=precision) if precision else CONFIGS[name]


if __name__ == "__main__":
    typer.run(main)
