"""Publish a trained run: TFLite file, manifest, list of training photos and model card."""

import csv
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from bggan_core.checkpoints import load_trained, read_history
from bggan_core.configs import TrainingConfig
from bggan_core.data.corpus import PHOTO_LIST_NAME, CorpusEntry, read_manifest
from bggan_core.data.ebb import NAME_PREFIX, provenance, read_ebb, training_split, validation_split
from bggan_core.data.photo_pairs import load_pair
from bggan_core.evaluation import (
    PROTOCOLS,
    Distance,
    EvaluationSet,
    evaluate,
    measure_candidates,
    network,
    photographed_set,
    record_choice,
    refuse_trained_on,
    summarise,
    synthetic_set,
    trained_photos,
    unseen_pairs,
    write_report,
)
from bggan_core.evaluation.perceptual_distance import PerceptualDistance
from bggan_core.export import publish_weights
from bggan_core.modelcard import CURVES_NAME, write_model_card
from bggan_core.rendering import MANIFEST_NAME
from scripts import plot_training

EVALUATION_SEED = 7

# Steps of the running mean in the training curves: single steps of small batches say little.
CURVES_SMOOTH = 100

# What the working size is chosen among, and on which pairs: others than are scored, and larger than all but the last.
WORKING_PIXELS = [128 * 192, 192 * 288, 256 * 384, 384 * 576]
CHOICE_SEED = 8
CHOICE_SIZE = (426, 640)

_NEEDS_DATA = "give --corpus or --ebb: a network is published with its scores"
DATA_NOTES = "Mattes and depth of most photos were predicted by networks, and the pairs inherit their errors."


def main(
    run: Annotated[Path, typer.Option(help="Folder of the run; its last checkpoint is published.")],
    corpus: Annotated[
        Path | None, typer.Option(help="The corpus it was trained on, for licences and held-out pairs.")
    ] = None,
    ebb: Annotated[Path | None, typer.Option(help="EBB!, for a run trained on it.")] = None,
    best: Annotated[bool, typer.Option(help="Publish the run's best checkpoint, not its last.")] = False,
    to: Annotated[Path, typer.Option(help="Folder for the published files.")] = Path("weights"),
    working_pixels: Annotated[
        list[int] | None,
        typer.Option(help="Area photos are scaled to for the network; several are chosen from by quality and time."),
    ] = None,
    choice_pairs: Annotated[int, typer.Option(min=2, help="Pairs the working size is chosen on.")] = 40,
    pairs: Annotated[int, typer.Option(min=2, help="Held-out pairs to evaluate on.")] = 200,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG16-HED convolutions (.npz), for the perceptual distance.")
    ] = None,
    data_notes: Annotated[str, typer.Option(help="What the model card says of the mattes and the depth.")] = DATA_NOTES,
) -> None:
    """Convert, compare with Keras, evaluate, and write everything a stranger needs to judge the network."""
    trained, config, _ = load_trained(run, best=best)
    photos = _describe_photos(sorted(trained_photos(run)), corpus)
    record = {
        "parameters": trained.count_params(),
        "config": dataclasses.asdict(config),
        "training": read_history(run, best=best),
        "training_photos": PHOTO_LIST_NAME,
        "data_notes": data_notes,
    }
    sizes = working_pixels or WORKING_PIXELS
    parity = publish_weights(trained, config.network, to, record=record, working_pixels=sizes[0])
    typer.echo(f"TFLite against Keras: {parity}")
    _write_photo_list(photos, to / PHOTO_LIST_NAME)
    plot_training.main(run, to / CURVES_NAME, smooth=CURVES_SMOOTH)
    if len(sizes) > 1:
        _choose_working_size(to, sizes, config, corpus=corpus, ebb=ebb, count=choice_pairs)
    distance = PerceptualDistance("vgg16-hed", perceptual_weights) if perceptual_weights else None
    manifest = _add_evaluation(to, _choose_set(to, config, corpus=corpus, ebb=ebb, count=pairs), distance)
    (to / "README.md").write_text(write_model_card(manifest, photos), encoding="utf-8")
    typer.echo(manifest["evaluation"])


def _describe_photos(names: list[str], corpus: Path | None) -> list[CorpusEntry]:
    """Find the licence of every training photo."""
    own = [name for name in names if not name.startswith(NAME_PREFIX)]
    if own and corpus is None:
        raise typer.BadParameter("the run was trained on a corpus: give it for the photos' licences")
    entries = {entry.name: entry for entry in read_manifest(corpus)} if own and corpus else {}
    missing = [name for name in own if name not in entries]
    if missing:
        raise typer.BadParameter(f"{corpus} lacks {len(missing)} photos the run was trained on, as {missing[:3]}")
    return [entries[name] if name in entries else provenance(name) for name in names]


def _choose_set(
    folder: Path, config: TrainingConfig, *, corpus: Path | None, ebb: Path | None, count: int
) -> EvaluationSet:
    """Score on EBB!'s validation pairs where they are given, else on synthetic ones."""
    if ebb is not None:
        files = read_ebb(ebb)
        scored = validation_split(files)[:count]
        refuse_trained_on((pair.name for pair in scored), trained_photos(folder), network=str(folder))
        return photographed_set(scored, PROTOCOLS["native"], fit_on=training_split(files))
    if corpus is None:
        raise typer.BadParameter(_NEEDS_DATA)
    return synthetic_set(
        corpus,
        trained_photos(folder),
        recipe=config.pairs,
        seed=EVALUATION_SEED,
        count=count,
        height=256,
        width=384,
    )


def _choose_working_size(
    folder: Path, sizes: Sequence[int], config: TrainingConfig, *, corpus: Path | None, ebb: Path | None, count: int
) -> None:
    """Put the size that the rule chooses into the manifest, on pairs larger than the sizes that are not scored."""
    if ebb is not None:
        pairs = (load_pair(pair) for pair in training_split(read_ebb(ebb))[:count])
        described = "training pairs at native size"
    elif corpus is None:
        raise typer.BadParameter(_NEEDS_DATA)
    else:
        maker = unseen_pairs(corpus, trained_photos(folder), recipe=config.pairs, seed=CHOICE_SEED)
        pairs = (maker.make(index, height=CHOICE_SIZE[0], width=CHOICE_SIZE[1]) for index in range(count))
        described = f"{count} synthetic pairs (seed {CHOICE_SEED}), {CHOICE_SIZE[0]}x{CHOICE_SIZE[1]}"
    methods = {size: network(folder, working_pixels=size) for size in sizes}
    progress = tqdm(pairs, total=count, unit="pair", mininterval=5)
    choice = record_choice(measure_candidates(methods, progress), pairs=described)
    manifest = _read_manifest(folder)
    _write_manifest({**manifest, "working_pixels": choice["chosen"], "choice": choice}, folder)


def _add_evaluation(folder: Path, evaluated: EvaluationSet, distance: Distance | None) -> dict[str, Any]:
    """Score the published file on held-out pairs and put the table into its manifest."""
    progress = tqdm(evaluated.pairs, total=evaluated.count, unit="pair", mininterval=5)
    scores = list(evaluate(evaluated.methods({"Glass-Net": network(folder)}), progress, distance=distance))
    manifest = _read_manifest(folder)
    manifest["metrics"] = [dataclasses.asdict(summary) for summary in summarise(scores)]
    manifest["evaluation"] = write_report(scores, evaluated, distance=distance)
    _write_manifest(manifest, folder)
    return manifest


def _read_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    return manifest


def _write_manifest(manifest: dict[str, Any], folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _write_photo_list(photos: list[CorpusEntry], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "licence", "attribution", "source"])
        writer.writerows([photo.name, photo.licence, photo.attribution, photo.source] for photo in photos)


if __name__ == "__main__":
    typer.run(main)
