"""Score networks and baselines against the ground truth: synthetic pairs of a corpus, or photographed pairs.

Photographed pairs lie in EBB!'s layouts (the challenge's or PyNET's) or in plain `original/` and `bokeh/`. A network is
refused pairs that it learned from.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm import tqdm

from bggan_core.configs import CONFIGS, SCORING_CONFIG
from bggan_core.data.ebb import is_ebb, read_ebb, test_split, training_split, validation_split
from bggan_core.data.photo_pairs import PhotoPair, read_photo_pairs
from bggan_core.evaluation import (
    PROTOCOLS,
    Distance,
    EvaluationSet,
    Method,
    evaluate,
    network,
    photographed_set,
    record_csv,
    refuse_trained_on,
    summarise,
    synthetic_set,
    table_1,
    trained_photos,
    without_detail_transfer,
    write_report,
)
from bggan_core.evaluation.perceptual_distance import PerceptualDistance
from bggan_core.rendering import SMALLEST_AREA

_SPLITS = {"validation": validation_split, "test": test_split, "training": training_split}


def main(
    corpus: Annotated[
        Path | None, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/: synthetic pairs.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(help="Folder of photographed pairs.")] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(help="Published weights, or a run's folder; may be given several times.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Folder for scores-NAME.csv and evaluation.md.")] = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="Pairs; without it 200 synthetic or all photographed ones.")
    ] = None,
    height: Annotated[int, typer.Option(min=16, help="Of synthetic pairs.")] = 256,
    width: Annotated[int, typer.Option(min=16, help="Of synthetic pairs.")] = 384,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.")] = 7,
    recipe: Annotated[str, typer.Option(help="Configuration whose recipe draws synthetic pairs.")] = SCORING_CONFIG,
    nights: Annotated[bool, typer.Option(help="Make every synthetic pair a night with lamps.")] = False,
    protocols: Annotated[
        list[str] | None, typer.Option("--protocol", help=f"For photographed pairs: {', '.join(PROTOCOLS)}.")
    ] = None,
    split: Annotated[
        Literal["validation", "test", "training"], typer.Option(help="Of EBB!: Val294, PyNET's test, or 0 to 4399.")
    ] = "validation",
    pair_list: Annotated[Path | None, typer.Option(help="EBB! pairs to keep, one name a line.")] = None,
    perceptual_weights: Annotated[
        Path | None, typer.Option(help="VGG convolutions (.npz or .h5); without them the distance is left out.")
    ] = None,
    perceptual_network: Annotated[
        Literal["vgg16-hed", "vgg19"], typer.Option(help="What the file holds.")
    ] = "vgg16-hed",
    working_pixels: Annotated[
        int | None, typer.Option(min=SMALLEST_AREA, help="Area the networks see, instead of the manifest's.")
    ] = None,
    compare_transfer: Annotated[
        bool, typer.Option(help="Score the first network without detail transfer as well; with pairs of full size.")
    ] = False,
) -> None:
    """Print means with bootstrap intervals, by method, measure and protocol; write them and every single score."""
    folders = weights or [Path("weights")]
    seen = {folder: trained_photos(folder) for folder in folders}
    if corpus is not None and pairs is None:
        drawn = CONFIGS[_known(recipe, CONFIGS, "--recipe")].pairs
        if nights:
            drawn = replace(drawn, night_share=1.0)
        size = {"count": count or 200, "height": height, "width": width}
        sets = [synthetic_set(corpus, set().union(*seen.values()), recipe=drawn, seed=seed, **size)]
    elif pairs is not None and corpus is None:
        if nights:
            raise typer.BadParameter("photographed pairs are what they are", param_hint="--nights")
        names = [_known(name, PROTOCOLS, "--protocol") for name in protocols or ["native", "small"]]
        files, others = _choose_pairs(pairs, split=split, pair_list=pair_list)
        for folder, trained in seen.items():
            refuse_trained_on((pair.name for pair in files[:count]), trained, network=str(folder))
        sets = [photographed_set(files[:count], PROTOCOLS[name], fit_on=others) for name in names]
    else:
        raise typer.BadParameter("give --corpus for synthetic pairs or --pairs for photographed ones")
    networks = {
        title: network(folder, working_pixels=working_pixels)
        for title, folder in zip(_titles(folders), folders, strict=True)
    }
    if compare_transfer:
        networks |= without_detail_transfer(folders[0], working_pixels=working_pixels)
    distance = _open_distance(perceptual_network, perceptual_weights)
    report = "\n".join(_score(each, networks, distance=distance, to=to) for each in sets)
    typer.echo(report)
    if to is not None:
        (to / "evaluation.md").write_text(report, encoding="utf-8")


def _score(each: EvaluationSet, networks: dict[str, Method], *, distance: Distance | None, to: Path | None) -> str:
    """Score one set, write its CSV, and return its tables."""
    progress = tqdm(each.pairs, total=each.count, unit="pair", mininterval=5)
    running = evaluate(each.methods(networks), progress, distance=distance)
    if to is None:
        scores = list(running)
    else:
        to.mkdir(parents=True, exist_ok=True)
        scores = record_csv(running, to / f"scores-{each.name}.csv")
    return write_report(scores, each, distance=distance) + "\n" + table_1(summarise(scores), protocol=each.protocol)


def _choose_pairs(folder: Path, *, split: str, pair_list: Path | None) -> tuple[list[PhotoPair], list[PhotoPair]]:
    """List the pairs to score, and EBB!'s training pairs that are not among them, for fitting the baseline."""
    if not is_ebb(folder):
        if pair_list is not None:
            raise typer.BadParameter("a pair list is for EBB!'s layouts", param_hint="--pair-list")
        return read_photo_pairs(folder), []
    files = _SPLITS[split](read_ebb(folder, pair_list=pair_list))
    if not files:
        raise typer.BadParameter(f"{folder} holds no pair of the {split} split", param_hint="--split")
    return files, [pair for pair in training_split(read_ebb(folder)) if pair not in files]


def _known(name: str, known: dict[str, object], option: str) -> str:
    if name not in known:
        raise typer.BadParameter(f"unknown: {name!r}; known: {', '.join(known)}", param_hint=option)
    return name


def _titles(folders: list[Path]) -> list[str]:
    """Tell networks apart by their folders' names, or where two share one by the paths."""
    if len(folders) == 1:
        return ["Glass-Net"]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise typer.BadParameter("a network is given twice", param_hint="--weights")
    names = [folder.resolve().name for folder in folders]
    titles = names if len(set(names)) == len(names) else [str(folder) for folder in folders]
    return [f"Glass-Net ({title})" for title in titles]


def _open_distance(kind: Literal["vgg16-hed", "vgg19"], weights: Path | None) -> Distance | None:
    if weights is None:
        return None
    return PerceptualDistance(kind, weights)


if __name__ == "__main__":
    typer.run(main)
