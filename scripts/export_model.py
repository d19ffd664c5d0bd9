"""Publish a trained run: TFLite file, manifest, list of training photos and model card."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bggan_core.data.corpus import PHOTO_LIST_NAME, CorpusEntry, never_trained_on, read_manifest
from bggan_core.data.synthetic import PairMaker
from bggan_core.evaluation import BASELINES, evaluate, held_out_pairs, synthetic_protocol, to_markdown
from bggan_core.export import publish_weights
from bggan_core.modelcard import write_model_card
from bggan_core.rendering import MANIFEST_NAME, Renderer
from bggan_core.training import load_trained, read_history

EVALUATION_SEED = 7
DATA_NOTES = "Mattes and depth of most photos were predicted by networks, and the pairs inherit their errors."


def main(
    run: Annotated[Path, typer.Option(help="Folder of the run; its last checkpoint is published.")],
    corpus: Annotated[Path, typer.Option(help="The corpus it was trained on, for licences and held-out pairs.")],
    to: Annotated[Path, typer.Option(help="Folder for the published files.")] = Path("weights"),
    working_pixels: Annotated[int, typer.Option(help="Area photos are scaled to for the network.")] = 384 * 576,
    pairs: Annotated[int, typer.Option(min=2, help="Held-out pairs to evaluate on.")] = 200,
    data_notes: Annotated[str, typer.Option(help="What the model card says of the mattes and the depth.")] = DATA_NOTES,
) -> None:
    """Convert, compare with Keras, evaluate, and write everything a stranger needs to judge the network."""
    network, config, _ = load_trained(run)
    entries = {entry.name: entry for entry in read_manifest(corpus)}
    photos = [entries[name] for name in (run / "photos.txt").read_text(encoding="utf-8").split("\n") if name]
    record = {
        "parameters": network.count_params(),
        "config": dataclasses.asdict(config),
        "training": read_history(run),
        "training_photos": PHOTO_LIST_NAME,
        "data_notes": data_notes,
    }
    parity = publish_weights(network, config.network, to, record=record, working_pixels=working_pixels)
    typer.echo(f"TFLite against Keras: {parity}")
    _write_photo_list(photos, to / PHOTO_LIST_NAME)
    held_out = never_trained_on(list(entries.values()), to / PHOTO_LIST_NAME)
    pair_maker = PairMaker(corpus, held_out, recipe=config.pairs, seed=EVALUATION_SEED)
    manifest = _add_evaluation(to, pair_maker, count=pairs)
    (to / "README.md").write_text(write_model_card(manifest, photos), encoding="utf-8")
    typer.echo(manifest["evaluation"])


def _add_evaluation(folder: Path, pairs: PairMaker, *, count: int) -> dict[str, Any]:
    """Score the published file on held-out pairs and put the table into its manifest."""
    size = {"count": count, "height": 256, "width": 384}
    methods = {**BASELINES, "Glass-Net": Renderer.from_folder(folder).render_at_working_size}
    scores = evaluate(methods, held_out_pairs(pairs, **size))
    path = folder / MANIFEST_NAME
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    manifest["metrics"] = [dataclasses.asdict(score) for score in scores]
    manifest["evaluation"] = to_markdown(scores, protocol=synthetic_protocol(pairs, **size))
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _write_photo_list(photos: list[CorpusEntry], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "licence", "attribution", "source"])
        writer.writerows([photo.name, photo.licence, photo.attribution, photo.source] for photo in photos)


if __name__ == "__main__":
    typer.run(main)
