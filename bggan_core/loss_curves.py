"""Pictures of what a run logged: its losses, and in stage B each critic's gap and penalty."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

# Lower-case prefixes of the columns each panel shows, and whether its axis is logarithmic.
PANELS = {
    "Terms of the objective": (("l1", "ssim", "perceptual"), False),
    "Guiding tasks: error of the detail kept, of the features, of the defocus": (
        ("focus", "features", "defocus"),
        False,
    ),
    "Adversarial term of the generator": (("adversarial",), False),
    "Critic gap: score of ground truth minus score of renderings": (("gap_",), False),
    "Gradient penalty, before its weight": (("penalty_",), True),
    "Norm of the gradient": (("gradient_norm", "critic_gradient_norm"), True),
}


def draw_losses(log: Path, to: Path, *, smooth: int) -> None:
    """Draw one panel for each kind of number in a loss log.

    Args:
        log: A run's losses.csv.
        to: Picture to write: .svg, .png or .pdf.
        smooth: Steps of the running mean, drawn over the single steps.
    Raises:
        ValueError: as `read_columns`.
    """
    columns = read_columns(log)
    panels = {
        title: ([name for name in columns if name.startswith(prefixes)], logarithmic)
        for title, (prefixes, logarithmic) in PANELS.items()
    }
    panels = {title: (names, logarithmic) for title, (names, logarithmic) in panels.items() if names}
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 2.4 * len(panels)), sharex=True, layout="constrained")
    for axis, (title, (names, logarithmic)) in zip(np.ravel(axes), panels.items(), strict=True):
        for number, name in enumerate(names):
            axis.plot(columns["step"], columns[name], color=f"C{number}", alpha=0.25, linewidth=0.8)
            axis.plot(*running_mean(columns["step"], columns[name], smooth), color=f"C{number}", label=name)
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_yscale("log" if logarithmic else "linear")
        axis.legend(fontsize=8, loc="upper right")
        axis.grid(alpha=0.3)
    np.ravel(axes)[-1].set_xlabel("step")
    figure.savefig(to, dpi=110)
    plt.close(figure)


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """Read a loss log, column by column, without the rows that an interruption cut off.

    Raises:
        ValueError: there is no such file, or no row in it.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing: give the folder of a run")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["learning_rate"]]
    if not rows:
        raise ValueError(f"{path} holds no step yet")
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def running_mean(steps: np.ndarray, values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of every `width` steps in a row, at the last of them; of fewer steps, of all."""
    width = min(width, len(values))
    return steps[width - 1 :], np.convolve(values, np.full(width, 1 / width), mode="valid")
