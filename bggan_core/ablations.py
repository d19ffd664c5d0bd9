"""The paper's ablations (sec. 3.5): what is compared, the pairs it is trained on, and the picture grids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bggan_core.configs import CONFIGS, TrainingConfig
from bggan_core.data.pairs import ALL_ROWS, Batch, Pair, PairSource, everything_counts, stack_pairs
from bggan_core.optics import Array


@dataclass(frozen=True)
class Variant:
    """One network of the comparison: the named configurations of its two stages. `name` is what tables call it."""

    name: str
    stage_a: str
    stage_b: str

    def configs(self) -> tuple[TrainingConfig, TrainingConfig]:
        """Both stages' configurations."""
        return CONFIGS[self.stage_a], CONFIGS[self.stage_b]


# Variants that share a stage A train it once.
WITH_BATCH = Variant("Batch normalisation", "ablation-batch", "ablation-batch-b")
WITHOUT = Variant("No normalisation", "ablation-none", "ablation-none-b")
WITH_INSTANCE = Variant("Instance normalisation, critics", "ablation-instance", "ablation-instance-b")
CRITIC_FREE = Variant("Instance normalisation, no critics", "ablation-instance", "ablation-critic-free-b")
VARIANTS = (WITH_BATCH, WITHOUT, WITH_INSTANCE, CRITIC_FREE)

# Columns of the paper's figures, between the photo and our ground truth.
FIGURE_4 = (WITH_BATCH, WITHOUT, WITH_INSTANCE)
FIGURE_5 = (CRITIC_FREE, WITH_INSTANCE)

LABEL_HEIGHT_PX = 24


class StoredPairs:
    """A source's first `count` pairs in one file, made once for all variants, and repeated in a new order each time.

    Args:
        path: Where the pairs are kept, 8 bits a channel; one that exists must be of the same source.
    """

    def __init__(self, source: PairSource, path: Path, *, count: int, height: int, width: int, seed: int) -> None:
        self.photo_names, self.seed = source.photo_names, seed
        if not path.is_file():
            pairs = [source.make(index, height=height, width=width) for index in range(count)]
            photos, bokeh = (
                _to_bytes(np.stack([getattr(pair, name) for pair in pairs])) for name in ("photo", "bokeh")
            )
            np.savez(path, photos=photos, bokeh=bokeh)
        with np.load(path) as stored:
            self._photos, self._bokeh = stored["photos"], stored["bokeh"]
        if self._photos.shape != (count, height, width, 3):
            raise ValueError(f"{path} holds {self._photos.shape}, not {(count, height, width, 3)}: remove it")

    def make(self, index: int, *, height: int, width: int) -> Pair:
        """Give the pair at a place in the endless row of shuffled repetitions.

        Raises:
            ValueError: another size than the stored one.
        """
        if self._photos.shape[1:3] != (height, width):
            raise ValueError(f"the stored pairs are {self._photos.shape[1:3]}, not {(height, width)}")
        epoch, place = divmod(index, len(self._photos))
        number = np.random.default_rng([self.seed, epoch]).permutation(len(self._photos))[place]
        photo, bokeh = (plane[number].astype(np.float32) / 255.0 for plane in (self._photos, self._bokeh))
        return Pair(photo, bokeh, everything_counts(photo))

    def make_batch(self, index: int, *, size: int, height: int, width: int, rows: slice = ALL_ROWS) -> Batch:
        """Make batch `index` of `size` pairs, or only some of its rows."""
        return stack_pairs([self.make(index * size + i, height=height, width=width) for i in range(size)[rows]])


def draw_grid(pairs: Sequence[Pair], renderings: Mapping[str, Sequence[Array]]) -> Array:
    """Lay out one scene a row: the photo, a rendering by each name, the ground truth; uint8 [H, W, 3].

    Args:
        renderings: By column heading, one for each pair, [H, W, 3] in [0, 1].
    """
    columns = {"Photo": [pair.photo for pair in pairs], **renderings, "Ground truth": [pair.bokeh for pair in pairs]}
    return np.hstack(
        [np.vstack([_label(heading, pictures[0]), *map(_to_bytes, pictures)]) for heading, pictures in columns.items()]
    )


def _to_bytes(picture: Array) -> Array:
    return np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)


def _label(text: str, picture: Array) -> Array:
    """A white strip as wide as a picture, with its column's heading, made smaller where it would not fit."""
    strip = np.full((LABEL_HEIGHT_PX, picture.shape[1], 3), 255, np.uint8)
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
    scale = 0.4 * min(1.0, (picture.shape[1] - 8) / width)
    place = (4, LABEL_HEIGHT_PX - 8)
    return cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)
