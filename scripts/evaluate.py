"""Score the shipped network, or any exported one, on synthetic pairs of photos it never trained on."""

from pathlib import Path
from typing import Annotated

import typer

from bggan_core.configs import CONFIGS
from bggan_core.data.corpus import PHOTO_LIST_NAME, never_trained_on, read_manifest
from bggan_core.data.synthetic import PairMaker
from bggan_core.evaluation import BASELINES, evaluate, held_out_pairs, synthetic_protocol, to_markdown
from bggan_core.rendering import Renderer


def main(
    corpus: Annotated[Path, typer.Option(help="Folder with manifest.csv, photos/, mattes/ and depth/.")],
    weights: Annotated[Path, typer.Option(help="Folder with manifest.json and the network.")] = Path("weights"),
    count: Annotated[int, typer.Option(min=2, help="Pairs.")] = 200,
    height: Annotated[int, typer.Option(min=16)] = 256,
    width: Annotated[int, typer.Option(min=16)] = 384,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pairs.")] = 7,
) -> None:
    """Print PSNR and SSIM of the network beside the unprocessed photo and a global Gaussian."""
    entries = never_trained_on(read_manifest(corpus), weights / PHOTO_LIST_NAME)
    pairs = PairMaker(corpus, entries, recipe=CONFIGS["paper-size"].pairs, seed=seed)
    methods = {**BASELINES, "Glass-Net": Renderer.from_folder(weights).render_at_working_size}
    scores = evaluate(methods, held_out_pairs(pairs, count=count, height=height, width=width))
    typer.echo(to_markdown(scores, protocol=synthetic_protocol(pairs, count=count, height=height, width=width)))


if __name__ == "__main__":
    typer.run(main)
