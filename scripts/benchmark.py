"""Measure speed. What compares is a ratio to a baseline timed in the same run, because machines and hours differ."""

import dataclasses
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bggan_core.configs import CONFIGS, Phase
from bggan_core.data.corpus import read_manifest
from bggan_core.data.synthetic import PairMaker
from bggan_core.perceptual import build_feature_network
from bggan_core.rendering import Renderer
from bggan_core.training import Trainer

# The first traces the graph, the second still fills caches.
UNTIMED_STEPS = 2

RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def render(
    weights: Annotated[Path, typer.Option(help="Folder with manifest.json and the network.")] = Path("weights"),
    rounds: Annotated[int, typer.Option(min=1, help="Timed calls; the fastest counts.")] = 3,
) -> None:
    """Whole photos of several sizes, against the network's pass alone."""
    renderer = Renderer.from_folder(weights)
    random = np.random.default_rng(0)
    working = random.random((384, 576, 3), dtype=np.float32)
    sizes = {"0.3 MP": (480, 640), "6 MP": (2000, 3000), "12 MP": (3000, 4000)}
    photos = {name: random.integers(0, 256, (*size, 3), dtype=np.uint8) for name, size in sizes.items()}
    cases: dict[str, Callable[[], object]] = {
        "network alone, 384x576": lambda: renderer.render_at_working_size(working),
        **{f"photo of {name}": lambda photo=photo: renderer.render(photo) for name, photo in photos.items()},
    }
    _report(cases, rounds=rounds)


@app.command()
def train(
    corpus: Annotated[Path, typer.Option(help="Photos with mattes and depth; batches are made of them.")] = Path(
        "examples/scenes"
    ),
    config: Annotated[str, typer.Option(help=f"One of: {', '.join(CONFIGS)}.")] = "paper-size",
    perceptual_weights: Annotated[Path | None, typer.Option(help="VGG convolutions, for stage B or guidance.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps a round, after two that are not.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the precisions take turns, the faster round counts.")] = 2,
    size: Annotated[tuple[int, int, int], typer.Option(help="Batch, height and width.")] = (1, 256, 384),
) -> None:
    """Training with its input pipeline: float32 against mixed_bfloat16, each round in a process of its own."""
    best: dict[str, TrainingSpeed] = {}
    for _ in range(rounds):
        for precision in ("float32", "mixed_bfloat16"):
            case = TrainingCase(config, precision, steps=steps, size=size)
            speed = _in_new_process(_measure_training, case, corpus, perceptual_weights)
            if precision not in best or speed.seconds_per_step < best[precision].seconds_per_step:
                best[precision] = speed
    baseline = best["float32"]
    typer.echo("| Case | Steps a second | Ratio | Peak memory | Ratio | Waiting for input |\n|---|---|---|---|---|---|")
    for precision, speed in best.items():
        typer.echo(
            f"| {config}, {'x'.join(map(str, size))}, {precision} | {1 / speed.seconds_per_step:.3f} | "
            f"{baseline.seconds_per_step / speed.seconds_per_step:.2f} | {speed.peak_bytes / 2**30:.2f} GiB | "
            f"{speed.peak_bytes / baseline.peak_bytes:.2f} | {speed.wait_share:.1%} |"
        )


@dataclasses.dataclass(frozen=True)
class TrainingCase:
    """What one process trains. `size` is batch, height and width."""

    config: str
    precision: str
    steps: int
    size: tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class TrainingSpeed:
    """What one process found: the median step, the share of all steps spent waiting, the process's largest size."""

    seconds_per_step: float
    wait_share: float
    peak_bytes: int


def _in_new_process(function: Callable[..., TrainingSpeed], *arguments: object) -> TrainingSpeed:
    """Memory can be compared only between processes that have done nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _measure_training(case: TrainingCase, corpus: Path, weights: Path | None) -> TrainingSpeed:
    batch, height, width = case.size
    config = dataclasses.replace(
        CONFIGS[case.config],
        precision=case.precision,
        phases=(Phase(case.steps + UNTIMED_STEPS, batch, height, width),),
        evaluation_pairs=1,
    )
    features = None
    if config.feature_network:
        features = build_feature_network(config.feature_network, weights, precision=config.precision)
    pairs = PairMaker(corpus, read_manifest(corpus), recipe=config.pairs, seed=config.seed)
    with tempfile.TemporaryDirectory() as run:
        trainer = Trainer(config, run=Path(run), train_pairs=pairs, validation_pairs=pairs, features=features)
        trainer.train()
    taken, waited = np.transpose(list(trainer.timings)[UNTIMED_STEPS:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return TrainingSpeed(float(np.median(taken)), float(waited.sum() / taken.sum()), peak * RSS_UNIT_BYTES)


@app.command()
def votes(
    raters: Annotated[int, typer.Option(min=2, help="Who share the votes.")] = 1000,
    sizes: Annotated[
        list[int] | None, typer.Option("--size", help="Votes of a study; once per study. 100,000 and 1,000,000.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Fresh processes per size; the fastest counts.")] = 2,
) -> None:
    """The dashboard's first table on studies of many votes, written to SQLite in a temporary folder."""
    root = str(Path(__file__).resolve().parent.parent)
    # Run as a file, Python puts scripts/ first on the path, where study.py hides the package `study`.
    sys.path[0] = root if sys.path[0] == str(Path(root) / "scripts") else sys.path[0]
    from scripts.benchmark_votes import report_votes  # noqa: PLC0415  found only from the repository's folder

    report_votes(sizes or [100_000, 1_000_000], raters=raters, rounds=rounds, say=typer.echo)


def _report(cases: Mapping[str, Callable[[], object]], *, rounds: int) -> None:
    """Time every case after one warm-up; the first one is the baseline."""
    best = {name: float("inf") for name in cases}
    for call in cases.values():
        call()
    for _ in range(rounds):
        for name, call in cases.items():
            began = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - began)
    baseline = next(iter(best.values()))
    typer.echo("| Case | Seconds | Ratio to the first |\n|---|---|---|")
    for name, seconds in best.items():
        typer.echo(f"| {name} | {seconds:.2f} | {seconds / baseline:.2f} |")


if __name__ == "__main__":
    app()
