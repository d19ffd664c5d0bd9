"""Publish a trained run: TFLite file, manifest, list of training photos and model card."""

import csv
import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from bggan_core.checkpoints import load_trained, read_history
from bggan_core.configs import CONFIGS, TrainingConfig
from bggan_core.data.corpus import PHOTO_LIST_NAME, CorpusEntry, read_manifest
from bggan_core.data.ebb import NAME_PREFIX, is_ebb, provenance, read_ebb, training_split, validation_split
from bggan_core.data.photo_pairs import load_pair
from bggan_core.evaluation import (
    PROTOCOLS,
    Distance,
    EvaluationSet,
    evaluate,
    measure_candidates,
    network,
    open_held_out_pairs,
    photographed_set,
    record_choice,
    refuse_trained_on,
    summarise,
    synthetic_set,
    trained_photos,
    write_report,
)
from bggan_core.evaluation.perceptual_distance import PerceptualDistance
from bggan_core.export import amend_manifest, publish_weights
from bggan_core.loss_curves import draw_losses
from bggan_core.modelcard import CURVES_NAME, write_model_card
from bggan_core.monitoring import LOSSES_NAME
from bggan_core.published import average_with_start
from bggan_core.rendering import SMALLEST_AREA

EVALUATION_SEED = 7

# Steps of the running mean in the training curves: single steps of small batches say little.
CURVES_SMOOTH = 100

# What the working size is chosen among, as shares of the area trained at last, or of the larger pictures that its blur
# belongs to: above it the blur that a network learned in pixels is too small (docs/evaluation.md, full size).
WORKING_SHARES = (1.0, 2 / 3, 4 / 9, 1 / 4)

# The pairs it is chosen on, larger than any of them: another draw than is scored (and than 8, kept from decisions).
CHOICE_SEED = 9
CHOICE_SIZE = (426, 640)

DATA_NOTES = "Mattes and depth of most photos were predicted by networks, and the pairs inherit their errors."
EBB_NOTES = (
    "EBB!'s pairs are photographs registered to each other; the black wedges where one was warped count in no loss."
)


def main(
    run: Annotated[Path, typer.Option(help="Folder of the run; its last checkpoint is published.")],
    corpus: Annotated[
        Path | None, typer.Option(help="The corpus it was trained on, for licences and held-out pairs.")
    ] = None,
    ebb: Annotated[Path | None, typer.Option(help="EBB!, for a run trained on it.")] = None,
    best: Annotated[bool, typer.Option(help="Publish the run's best checkpoint, not its last.")] = False,
    mean_with: Annotated[
        Path | None,
        typer.Option(help="The published network that the run started from: publish the mean of both their weights."),
    ] = None,
    to: Annotated[Path, typer.Option(help="Folder for the published files.")] = Path("weights"),
    working_pixels: Annotated[
        list[int] | None,
        typer.Option(
            min=SMALLEST_AREA,
            help="Area photos are scaled to for the network; given several times, quality and time choose. Without it, "
            "four: up to the size trained at, or the larger one whose blur was learned.",
        ),
    ] = None,
    choice_pairs: Annotated[int, typer.Option(min=2, help="Pairs the working size is chosen on.")] = 40,
    pairs: Annotated[int, typer.Option(min=2, help="Held-out pairs to evaluate on.")] = 200,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG16-HED convolutions (.npz), for the perceptual distance.")
    ] = None,
    data_notes: Annotated[
        str | None,
        typer.Option(help="What the model card says of the data; without it, whence mattes and depth, or pairs, came."),
    ] = None,
) -> None:
    """Convert, compare with Keras, evaluate, and write everything a stranger needs to judge the network.

    The published files take their places together at the end: what fails on the way leaves an older network as it was.
    """
    data = ebb or corpus
    if data is None:
        raise typer.BadParameter("give --corpus or --ebb: a network is published with its scores")
    if ebb is not None and not is_ebb(ebb):
        raise typer.BadParameter(f"{ebb} has neither of EBB!'s layouts", param_hint="--ebb")
    trained, config, _ = load_trained(run, best=best)
    photos = _describe_photos(sorted(trained_photos(run)), corpus)
    training = read_history(run, best=best)
    if mean_with is not None:
        training[-1]["mean_with"] = average_with_start(trained, training, mean_with)
    record = {
        "parameters": trained.count_params(),
        "config": dataclasses.asdict(config),
        "training": training,
        "training_photos": PHOTO_LIST_NAME,
        "data_notes": data_notes or _describe_data(photos),
        "evaluation_pairs": "photographed" if is_ebb(data) else "synthetic",
        "evaluation_command": _evaluation_command(config, data, count=pairs, with_distance=bool(perceptual_weights)),
    }
    sizes = working_pixels or _candidate_sizes(config, data)
    distance = PerceptualDistance("vgg16-hed", perceptual_weights) if perceptual_weights else None
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as beside:
        new = Path(beside)
        parity = publish_weights(trained, config.network, new, record=record, working_pixels=sizes[0])
        typer.echo(f"TFLite against Keras: {parity}")
        _write_photo_list(photos, new / PHOTO_LIST_NAME)
        draw_losses(run / LOSSES_NAME, new / CURVES_NAME, smooth=CURVES_SMOOTH)
        if len(sizes) > 1:
            _choose_working_size(new, sizes, config, data=data, count=choice_pairs)
        manifest = _add_evaluation(new, _choose_set(new, config, data=data, count=pairs), distance)
        (new / "README.md").write_text(write_model_card(manifest, photos), encoding="utf-8")
        to.mkdir(exist_ok=True)
        for file in new.iterdir():
            file.replace(to / file.name)
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


def _describe_data(photos: Sequence[CorpusEntry]) -> str:
    """Say what is to be known of the photos trained on: of a corpus, of EBB!, or of both."""
    are_ebb = {photo.name.startswith(NAME_PREFIX) for photo in photos}
    return " ".join(note for of_ebb, note in ((False, DATA_NOTES), (True, EBB_NOTES)) if of_ebb in are_ebb)


def _evaluation_command(config: TrainingConfig, data: Path, *, count: int, with_distance: bool) -> str | None:
    """Write the command that prints the evaluation again; None where no named configuration draws its pairs."""
    options = " --perceptual-weights FILE" if with_distance else ""
    if is_ebb(data):
        return f".venv/bin/python scripts/evaluate.py --pairs FOLDER --protocol native --count {count}{options}"
    scored = config.pairs.without_variety
    recipes = [name for name, known in CONFIGS.items() if known.pairs == scored]
    if not recipes:
        return None
    recipe = config.name if config.name in recipes else recipes[0]
    return f".venv/bin/python scripts/evaluate.py --corpus FOLDER --recipe {recipe} --count {count}{options}"


def _candidate_sizes(config: TrainingConfig, data: Path) -> list[int]:
    """Areas up to that of the pictures whose blur has the radius, in pixels, that the network learned at last."""
    last = config.phases[-1]
    longer = max(last.height, last.width)
    side = longer if is_ebb(data) else max(longer, config.pairs.blur_side_px)  # photographs have the blur they have
    largest = last.height * last.width * (side / longer) ** 2
    return [max(round(share * largest), SMALLEST_AREA) for share in WORKING_SHARES]


def _choose_working_size(folder: Path, sizes: Sequence[int], config: TrainingConfig, *, data: Path, count: int) -> None:
    """Choose on pairs that are not scored and put the size into the manifest."""
    if is_ebb(data):
        files = training_split(read_ebb(data))[:count]
        if not files:
            raise typer.BadParameter(f"{data} holds no training pair to choose the size on: give one --working-pixels")
        pairs, described = map(load_pair, files), f"{len(files)} of EBB!'s training pairs at their own size"
    else:
        maker = open_held_out_pairs(data, trained_photos(folder), recipe=config.pairs, seed=CHOICE_SEED)
        pairs = (maker.make(index, height=CHOICE_SIZE[0], width=CHOICE_SIZE[1]) for index in range(count))
        described = (
            f"{count} synthetic pairs of held-out photos (seed {CHOICE_SEED}), {CHOICE_SIZE[0]}x{CHOICE_SIZE[1]}"
        )
    methods = {size: network(folder, working_pixels=size) for size in sizes}
    progress = tqdm(pairs, unit="pair", mininterval=5)
    choice = record_choice(measure_candidates(methods, progress), pairs=described)
    amend_manifest(folder, working_pixels=choice["chosen"], choice=choice)


def _choose_set(folder: Path, config: TrainingConfig, *, data: Path, count: int) -> EvaluationSet:
    """Score on EBB!'s validation pairs where they are given, else on synthetic ones."""
    if is_ebb(data):
        files = read_ebb(data)
        scored = validation_split(files)[:count]
        refuse_trained_on((pair.name for pair in scored), trained_photos(folder), network=str(folder))
        return photographed_set(scored, PROTOCOLS["native"], fit_on=training_split(files))
    return synthetic_set(
        data,
        trained_photos(folder),
        recipe=config.pairs,
        seed=EVALUATION_SEED,
        count=count,
        height=256,
        width=384,
    )


def _add_evaluation(folder: Path, evaluated: EvaluationSet, distance: Distance | None) -> dict[str, Any]:
    """Score the published file on held-out pairs and put the table into its manifest."""
    progress = tqdm(evaluated.pairs, total=evaluated.count, unit="pair", mininterval=5)
    scores = list(evaluate(evaluated.methods({"Glass-Net": network(folder)}), progress, distance=distance))
    return amend_manifest(
        folder,
        metrics=[dataclasses.asdict(summary) for summary in summarise(scores)],
        evaluation=write_report(scores, evaluated, distance=distance),
    )


def _write_photo_list(photos: list[CorpusEntry], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "licence", "attribution", "source"])
        writer.writerows([photo.name, photo.licence, photo.attribution, photo.source] for photo in photos)


if __name__ == "__main__":
    typer.run(main)
