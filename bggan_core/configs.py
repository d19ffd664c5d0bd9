"""Named training configurations: everything a run's result depends on, frozen, and saved beside its weights."""

import dataclasses
import json
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from bggan_core.data.synthetic import PairRecipe
from bggan_core.glassnet import GlassNetConfig
from bggan_core.losses import StageALoss

T = TypeVar("T")


@dataclass(frozen=True)
class Phase:
    """One step of the curriculum: `steps` batches of `batch` pairs of `height` x `width` pixels."""

    steps: int
    batch: int
    height: int
    width: int


@dataclass(frozen=True)
class TrainingConfig:
    """Stage A of the training (sec. 3.2).

    Args:
        phases: The curriculum, in order.
        learning_rate, final_learning_rate: Adam's rate, along a cosine from the first to the last step.
        warmup_steps: Steps over which the rate rises from zero.
        beta_1, beta_2: Adam's decay rates.
        clip_norm: Largest global norm of the gradient; larger ones are scaled down to it.
        precision: Compute type of the convolutions; variables and losses are float32 always.
        checkpoint_steps, image_steps: How often a checkpoint and sample pictures are written.
    """

    name: str
    phases: tuple[Phase, ...]
    network: GlassNetConfig = field(default_factory=GlassNetConfig)
    loss: StageALoss = field(default_factory=StageALoss)
    pairs: PairRecipe = field(default_factory=PairRecipe)
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-4
    warmup_steps: int = 0
    beta_1: float = 0.0
    beta_2: float = 0.9
    clip_norm: float | None = None
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    seed: int = 2020
    checkpoint_steps: int = 500
    image_steps: int = 500

    @property
    def total_steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phases)


# Paper: 60 epochs over 4464 pairs, batch 1, random 1408 x 1024 crops, Adam 1e-4 with (0, 0.9) (sec. 3.1, 3.2).
PAPER = TrainingConfig(name="paper", phases=(Phase(steps=60 * 4464, batch=1, height=1024, width=1408),))

# A quarter of the multiplications, on small pictures first: most of where the subject is can be learned there.
SMALL = TrainingConfig(
    name="small",
    network=GlassNetConfig(stage1_channels=8, stage2_channels=16, output="residual"),
    phases=(Phase(steps=3500, batch=8, height=128, width=192),),
    learning_rate=6e-4,
    final_learning_rate=1.5e-4,
    warmup_steps=200,
    beta_1=0.9,
    beta_2=0.99,
    clip_norm=1.0,
)

# The same network where blur spans enough pixels to be seen; starts from `small`.
SMALL_FINE = dataclasses.replace(
    SMALL,
    name="small-fine",
    phases=(Phase(steps=4000, batch=2, height=256, width=384),),
    pairs=PairRecipe(blur_radius=(0.01, 0.022)),
    learning_rate=5e-4,
    final_learning_rate=1e-4,
    warmup_steps=50,
    seed=2021,
    checkpoint_steps=250,
)

# The paper's network with a residual output, for two cores; starts from `small-fine`, doubled in width.
PAPER_SIZE = dataclasses.replace(
    SMALL_FINE,
    name="paper-size",
    network=GlassNetConfig(output="residual"),
    phases=(Phase(steps=1900, batch=1, height=256, width=384),),
    learning_rate=2e-4,
    final_learning_rate=1e-5,
    seed=2022,
)

CONFIGS: dict[str, TrainingConfig] = {config.name: config for config in (PAPER, SMALL, SMALL_FINE, PAPER_SIZE)}


def save_config(config: TrainingConfig, path: Path) -> None:
    """Write a configuration as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(config), indent=2) + "\n", encoding="utf-8")


def load_config(path: Path) -> TrainingConfig:
    """Read a configuration that `save_config` wrote.

    Raises:
        ValueError: a field is unknown or missing; the message names the file.
    """
    try:
        return _build(TrainingConfig, json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no training configuration of this version: {error}") from error


def _build(kind: type[T], values: dict[str, Any]) -> T:
    hints = get_type_hints(kind)
    return kind(**{name: _convert(hints[name], value) if name in hints else value for name, value in values.items()})


def _convert(hint: Any, value: Any) -> Any:
    """Turn JSON's objects and lists back into dataclasses and tuples."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    if isinstance(value, list) and not isinstance(hint, types.UnionType):
        inner = get_args(hint)[0]
        return tuple(_convert(inner, item) for item in value)
    return value
