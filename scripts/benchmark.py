"""Measure speed: every figure is a ratio to a baseline timed in the same run, because machines and hours differ."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bggan_core.configs import CONFIGS
from bggan_core.rendering import Renderer

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
    steps: Annotated[int, typer.Option(min=1, help="Timed steps.")] = 5,
    height: Annotated[int, typer.Option(help="Pixels.")] = 256,
    width: Annotated[int, typer.Option(help="Pixels.")] = 384,
) -> None:
    """One optimiser step of each network, in float32 against mixed_bfloat16, on random images without the pipeline."""
    cases = {
        f"{name}, {precision}": _training_step(name, precision, height=height, width=width)
        for name in ("paper-size", "small-fine")
        for precision in ("float32", "mixed_bfloat16")
    }
    _report(cases, rounds=steps)


def _training_step(name: str, precision: str, *, height: int, width: int) -> Callable[[], object]:
    # TensorFlow takes seconds to import, and rendering does without it.
    import tensorflow as tf  # noqa: PLC0415

    from bggan_core.steps import build_learners, build_step  # noqa: PLC0415

    config = dataclasses.replace(CONFIGS[name], precision=precision)
    step = tf.function(build_step(build_learners(config), config))
    photos, bokeh = (tf.random.stateless_uniform((1, height, width, 3), (0, i), -1, 1) for i in range(2))
    batch = photos, bokeh, tf.ones((1, height, width, 1))

    def run_step() -> float:
        return float(step(batch, tf.constant(0, tf.int64))["total"])

    return run_step


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
