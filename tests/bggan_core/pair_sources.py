"""Pairs out of nothing: fast, the same for the same seed, with or without filler."""

import cv2
import numpy as np

from bggan_core.data.pairs import ALL_ROWS, Pair, stack_pairs


class GeneratedPairs:
    """Coarse random photos whose bokeh is a blur; `wedge` of each picture's columns are filler."""

    def __init__(self, seed: int = 0, *, wedge: int = 0) -> None:
        self.seed, self.wedge = seed, wedge
        self.photo_names = ["generated"]

    def make(self, index: int, *, height: int, width: int) -> Pair:
        rng = np.random.default_rng([self.seed, index])
        coarse = rng.random((height // 4, width // 4, 3), dtype=np.float32)
        photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
        mask = np.ones((height, width), np.float32)
        mask[:, : self.wedge] = 0
        return Pair(photo, cv2.GaussianBlur(photo, (0, 0), 2) * mask[..., None], mask)

    def make_batch(self, index: int, *, size: int, height: int, width: int, rows: slice = ALL_ROWS):
        return stack_pairs([self.make(index * size + i, height=height, width=width) for i in range(size)[rows]])
