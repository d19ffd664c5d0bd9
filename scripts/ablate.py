"""Repeat the paper's ablations (sec. 3.5) at a small size: three normalisations, and stage B with and without critics.

Run the same command again to continue after an interruption.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from bggan_core.ablations import FIGURE_4, FIGURE_5, VARIANTS, StoredPairs, Variant, draw_grid
from bggan_core.checkpoints import PERCEPTUAL_NAME, load_trained, write_json
from bggan_core.config_files import change_config, read_changes
from bggan_core.configs import TrainingConfig
from bggan_core.data.corpus import CorpusEntry, is_held_out, read_manifest
from bggan_core.data.pairs import Pair
from bggan_core.data.synthetic import PairMaker
from bggan_core.evaluation import UNPROCESSED, Method, evaluate, record_csv, summarise, to_markdown
from bggan_core.optics import Array
from bggan_core.perceptual import build_feature_network, describe_features
from bggan_core.training import Trainer

EVALUATION_SEED = 7


def main(
    corpus: Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")],
    runs: Annotated[Path, typer.Option(help="Folder for the runs of all variants.")],
    perceptual_weights: Annotated[Path, typer.Option(help="VGG convolutions (.npz or .h5) for the perceptual term.")],
    to: Annotated[Path, typer.Option(help="Folder for the table and the grids.")] = Path("docs/ablations"),
    stored_pairs: Annotated[int, typer.Option(min=8, help="Training pairs made, once for all variants.")] = 256,
    count: Annotated[int, typer.Option(min=2, help="Held-out pairs to evaluate on.")] = 100,
    shown: Annotated[
        Path, typer.Option(help="Folder like the corpus whose pairs the grids show: pictures that may be published.")
    ] = Path("examples/scenes"),
    rows: Annotated[int, typer.Option(min=1, help="Scenes in each grid.")] = 6,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Field to change in every variant, as key=value.")
    ] = None,
) -> None:
    """Train every variant through both stages, score it on held-out pairs, and write table and grids."""
    runs.mkdir(parents=True, exist_ok=True)
    changes = read_changes(None, settings or [])
    trained = {
        variant: _train(variant, changes, corpus, runs, weights=perceptual_weights, stored_pairs=stored_pairs)
        for variant in VARIANTS
    }
    config = change_config(VARIANTS[0].configs()[1], changes)
    held_out = [entry for entry in read_manifest(corpus) if is_held_out(entry.name)]
    pairs = _pairs(corpus, held_out, config, count=count)
    methods: dict[str, Method] = {UNPROCESSED: lambda pair: pair.photo}
    methods |= {variant.name: _renderer(run) for variant, run in trained.items()}
    to.mkdir(parents=True, exist_ok=True)
    scores = record_csv(evaluate(methods, pairs), to / "scores.csv")
    table = to_markdown(summarise(scores), protocol=_protocol(config, count=count))
    (to / "table.md").write_text(table, encoding="utf-8")
    _draw_grids(methods, _pairs(shown, read_manifest(shown), config, count=rows), to)
    typer.echo(table)


def _train(
    variant: Variant, changes: dict[str, object], corpus: Path, runs: Path, *, weights: Path, stored_pairs: int
) -> Path:
    """Train both stages; a finished one is not trained again. Returns the run of stage B."""
    run = runs
    for stage, named in zip((variant.stage_a, variant.stage_b), variant.configs(), strict=True):
        config = change_config(named, changes)
        parent, run = run, runs / stage
        features = None
        if config.stage_b:
            features = build_feature_network(config.stage_b.perceptual, weights, precision=config.precision)
        train_pairs, validation_pairs = _sources(corpus, config, runs, count=stored_pairs)
        trainer = Trainer(
            config, run=run, train_pairs=train_pairs, validation_pairs=validation_pairs, features=features
        )
        if config.stage_b:
            write_json(describe_features(config.stage_b.perceptual, weights), run / PERCEPTUAL_NAME)
            if trainer.is_new:
                trainer.start_from(parent)
        if trainer.progress.steps < config.total_steps:
            typer.echo(f"{config.name}: {trainer.network.count_params():,} parameters")
            trainer.train()
    return run


def _sources(corpus: Path, config: TrainingConfig, runs: Path, *, count: int) -> tuple[StoredPairs, PairMaker]:
    """Open the pairs all variants train on, made if missing, and the maker of validation pairs."""
    entries = read_manifest(corpus)
    training, held_out = ([entry for entry in entries if is_held_out(entry.name) == part] for part in (False, True))
    phase = config.phases[-1]
    maker = PairMaker(corpus, training, recipe=config.pairs, seed=EVALUATION_SEED + 1)
    stored = StoredPairs(
        maker, runs / "pairs.npz", count=count, height=phase.height, width=phase.width, seed=config.seed
    )
    return stored, PairMaker(corpus, held_out, recipe=config.pairs.without_variety, seed=config.seed)


def _pairs(corpus: Path, entries: list[CorpusEntry], config: TrainingConfig, *, count: int) -> list[Pair]:
    maker = PairMaker(corpus, entries, recipe=config.pairs.without_variety, seed=EVALUATION_SEED)
    phase = config.phases[-1]
    return [
        replace(maker.make(index, height=phase.height, width=phase.width), name=f"synthetic/{index}")
        for index in range(count)
    ]


def _draw_grids(methods: dict[str, Method], pairs: list[Pair], to: Path) -> None:
    for name, variants in (("normalisation", FIGURE_4), ("critics", FIGURE_5)):
        renderings = {variant.name: [methods[variant.name](pair) for pair in pairs] for variant in variants}
        Image.fromarray(draw_grid(pairs, renderings)).save(to / f"{name}.png")


def _renderer(run: Path) -> Callable[[Pair], Array]:
    network = load_trained(run)[0]

    def render(pair: Pair) -> Array:
        final = network(pair.photo[None] * 2.0 - 1.0, training=False)[0]
        return np.clip((np.asarray(final[0]) + 1.0) / 2.0, 0.0, 1.0)

    return render


def _protocol(config: TrainingConfig, *, count: int) -> str:
    phase, network = config.phases[-1], config.network
    return (
        f"{count} synthetic pairs of held-out photos (seed {EVALUATION_SEED}), {phase.height}x{phase.width}, full "
        "frame, sRGB; mean with 95 % bootstrap interval over images; "
        f"{network.stage1_channels}/{network.stage2_channels} channels, {network.residual_blocks} residual blocks a "
        "stage, one training of each variant"
    )


if __name__ == "__main__":
    typer.run(main)
