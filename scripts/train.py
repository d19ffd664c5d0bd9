"""Train BGGAN's generator; run the same command again to continue after an interruption."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import keras
import tensorflow as tf
import typer

from bggan_core.checkpoints import PERCEPTUAL_NAME, write_json
from bggan_core.config_files import change_config, read_changes
from bggan_core.configs import CONFIGS, TrainingConfig
from bggan_core.data.ebb import EbbPairs, is_ebb, read_ebb, training_split, validation_split
from bggan_core.data.pairs import PairSource
from bggan_core.data.synthetic import open_splits
from bggan_core.distribution import StrategyName, build_strategy, require_equal_parts
from bggan_core.perceptual import PerceptualWeightsError, build_feature_network, describe_features
from bggan_core.training import Trainer, require_pairs_to_guide_by

Stage = Literal["a", "b", "both"]


def main(
    corpus: Annotated[
        Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/, or with EBB! in either layout.")
    ],
    run: Annotated[Path, typer.Option(help="Folder for config, checkpoints and logs; continued if it has any.")],
    config: Annotated[str, typer.Option(help=f"One of: {', '.join(CONFIGS)}.")] = "paper-size",
    stage: Annotated[
        Stage | None,
        typer.Option(help="a: CONFIG. b: CONFIG-b. both: one after the other, in RUN/stage-a and RUN/stage-b."),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Run, or published weights, that a new run starts from: the same network, or half its width."
        ),
    ] = None,
    best: Annotated[bool, typer.Option(help="Start from that run's best checkpoint, not its newest.")] = False,
    config_file: Annotated[Path | None, typer.Option(help="TOML file of fields to change.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Field to change, as key=value; dotted keys reach into tables.")
    ] = None,
    pair_list: Annotated[
        Path | None, typer.Option(help="File of the EBB! pairs to use, one name a line; without it, all.")
    ] = None,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG convolutions (.npz or .h5) for stage B's perceptual term and for guidance.")
    ] = None,
    strategy: Annotated[
        StrategyName, typer.Option(help="One device, all GPUs of this machine, or the workers of TF_CONFIG.")
    ] = "default",
) -> None:
    """Train one stage, or both, to the end of the configuration's curriculum."""
    devices = build_strategy(strategy)  # before TensorFlow does anything else
    if pair_list is not None and not is_ebb(corpus):
        raise typer.BadParameter("a pair list is for EBB!'s layouts", param_hint="--pair-list")
    if best and start_from is None and stage != "both":
        raise typer.BadParameter(
            "there is no run to take the best checkpoint of: give --start-from", param_hint="--best"
        )
    # What a stage needs is looked for before any has trained: what stage B lacks must not show after stage A's hours.
    stages = []
    for folder, chosen in _choose(config, stage, config_file=config_file, settings=settings or []).items():
        pairs = _open_pairs(corpus, chosen, pair_list)
        _require_usable(chosen, pairs[0], devices)
        stages.append((folder, chosen, pairs))
    features = [_build_features(chosen, perceptual_weights, devices) for _, chosen, _ in stages]
    for (folder, chosen, pairs), feature_network in zip(stages, features, strict=True):
        train_pairs, validation_pairs = pairs
        trainer = Trainer(
            chosen,
            run=run / folder,
            train_pairs=train_pairs,
            validation_pairs=validation_pairs,
            features=feature_network,
            strategy=devices,
        )
        if chosen.feature_network and trainer.is_chief:
            record = describe_features(chosen.feature_network, perceptual_weights)
            write_json(record, run / folder / PERCEPTUAL_NAME)
        _begin(trainer, run / "stage-a" if folder == "stage-b" else start_from, best=best)
        typer.echo(f"{chosen.name}: {trainer.network.count_params():,} parameters, at step {trainer.progress.steps}")
        progress = trainer.train()
        typer.echo(f"{progress.steps} steps, {progress.samples} samples, {progress.seconds / 3600:.2f} h of training")


def _choose(
    name: str, stage: Stage | None, *, config_file: Path | None, settings: list[str]
) -> dict[str, TrainingConfig]:
    """Find the wanted configurations, changed as asked, by the folder below the run that each trains in."""
    names = {"": f"{name}-b" if stage == "b" else name}
    if stage == "both":
        names = {"stage-a": name, "stage-b": f"{name}-b"}
    for known in names.values():
        if known not in CONFIGS:
            raise typer.BadParameter(f"unknown configuration {known!r}; known: {', '.join(CONFIGS)}")
    try:
        changes = read_changes(config_file, settings)
        return {folder: change_config(CONFIGS[known], changes) for folder, known in names.items()}
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _require_usable(config: TrainingConfig, pairs: PairSource, devices: tf.distribute.Strategy) -> None:
    """Refuse pairs and batches that a stage cannot train with."""
    try:
        require_equal_parts(config, devices)
        require_pairs_to_guide_by(config, pairs)
    except ValueError as error:
        raise typer.BadParameter(f"{config.name}: {error}") from error


def _build_features(
    config: TrainingConfig, weights: Path | None, devices: tf.distribute.Strategy
) -> keras.Model | None:
    """Build the feature network of a stage that needs one."""
    if config.feature_network is None:
        return None
    try:
        with devices.scope():
            return build_feature_network(config.feature_network, weights, precision=config.precision)
    except PerceptualWeightsError as error:
        if config.stage_b is None and weights is None:
            raise typer.BadParameter(
                f"{config.name} is guided by the features of {config.feature_network.network}: give its weights by "
                "--perceptual-weights FILE, or leave this task out by --set guidance.features=0"
            ) from error
        raise typer.BadParameter(f"{config.name}: {error}") from error


def _open_pairs(folder: Path, config: TrainingConfig, pair_list: Path | None) -> Sequence[PairSource]:
    """Open the sources of training and of validation pairs; of EBB!, ids below 4400 train, the others validate."""
    if not is_ebb(folder):
        return open_splits(folder, recipe=config.pairs, seed=config.seed)
    pairs = read_ebb(folder, pair_list=pair_list)
    splits = [training_split(pairs), validation_split(read_ebb(folder))]
    return [EbbPairs(split, recipe=config.ebb, seed=config.seed + number) for number, split in enumerate(splits)]


def _begin(trainer: Trainer, parent: Path | None, *, best: bool) -> None:
    """Give a new run its parent's weights; stage B, which refines a trained network, must have a parent."""
    if not trainer.is_new:
        return
    if parent is not None:
        trainer.start_from(parent, best=best)
    elif trainer.config.stage_b:
        raise typer.BadParameter("stage B refines a trained network: give its run by --start-from, or use --stage both")


if __name__ == "__main__":
    typer.run(main)
