"""Bokeh for a photo of any size: a TFLite Glass-Net at a working size, and the photo's own detail at full size.

Imports no TensorFlow: the network runs on LiteRT. Photos are uint8 RGB [H, W, 3].
"""

import hashlib
import json
import os
import threading
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from bggan_core.detail import transfer_detail

NETWORK_NAME = "glassnet.tflite"
MANIFEST_NAME = "manifest.json"

# The network halves its input three times; `bggan_core.glassnet` has the same number but imports TensorFlow.
_SIZE_MULTIPLE = 8
_SMALLEST_SIDE = 16
SMALLEST_AREA = _SMALLEST_SIDE**2

Photo = npt.NDArray[np.uint8]


class Renderer:
    """Renders bokeh with one network. Threads may share it; they take turns.

    Args:
        network: A TFLite Glass-Net that takes any size, its output in [-1, 1].
        working_pixels: Area that larger photos are scaled to before the network sees them.
        threads: CPU threads of the network.
    """

    def __init__(self, network: bytes, *, working_pixels: int, threads: int | None = None) -> None:
        if working_pixels < SMALLEST_AREA:
            raise ValueError(f"working_pixels must be at least {SMALLEST_AREA}, got {working_pixels}")
        self.working_pixels = working_pixels
        self._interpreter = Interpreter(model_content=network, num_threads=threads or os.cpu_count() or 1)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._input_shape: tuple[int, ...] = ()
        self._turn = threading.Lock()

    @classmethod
    def from_folder(cls, folder: Path, *, threads: int | None = None) -> "Renderer":
        """Open the network that a folder's manifest describes.

        Raises:
            FileNotFoundError: the manifest or the network is missing.
            ValueError: the network's bytes are not those the manifest names.
        """
        manifest_path = folder / MANIFEST_NAME
        if not manifest_path.is_file():
            raise FileNotFoundError(
                f"{manifest_path} is missing: get the shipped weights/, or write them by exporting a run"
            )
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        path = folder / manifest["file"]
        network = path.read_bytes()
        if hashlib.sha256(network).hexdigest() != manifest["sha256"]:
            raise ValueError(f"{path} is not the network its manifest names (sha256 differs): get it again")
        return cls(network, working_pixels=manifest["working_pixels"], threads=threads)

    def render(self, photo: Photo) -> Photo:
        """Render bokeh at the photo's own size.

        Raises:
            ValueError: photo is not uint8 [H, W, 3] or a side is below 16 pixels.
        """
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(f"photo must be uint8 [H, W, 3], got {photo.dtype} {list(photo.shape)}")
        if min(photo.shape[:2]) < _SMALLEST_SIDE:
            raise ValueError(f"photo must be at least {_SMALLEST_SIDE} pixels a side, got {list(photo.shape[:2])}")
        small = _scale_to_area(photo, self.working_pixels)
        seen = small.astype(np.float32) / 255.0
        return transfer_detail(photo, seen, self.render_at_working_size(seen))

    def render_scaled_up(self, photo: Photo) -> npt.NDArray[np.float32]:
        """Render at the working size and scale the result up: what detail transfer is compared with, [H, W, 3]."""
        small = _scale_to_area(photo, self.working_pixels).astype(np.float32) / 255.0
        height, width = photo.shape[:2]
        return cv2.resize(self.render_at_working_size(small), (width, height), interpolation=cv2.INTER_CUBIC)

    def render_at_working_size(self, photo: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network alone: float32 [H, W, 3] in [0, 1], both ways."""
        height, width = photo.shape[:2]
        padding = ((0, -height % _SIZE_MULTIPLE), (0, -width % _SIZE_MULTIPLE), (0, 0))
        batch = np.pad(photo, padding, mode="reflect")[None] * 2.0 - 1.0
        with self._turn:
            if batch.shape != self._input_shape:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._input_shape = batch.shape
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            output = self._interpreter.get_tensor(self._output)
        cropped = output[0, :height, :width]
        return np.clip((cropped + 1.0) / 2.0, 0.0, 1.0).astype(np.float32)


def _scale_to_area(photo: Photo, pixels: int) -> Photo:
    """Shrink to about `pixels` pixels in all, averaging areas; smaller photos stay as they are."""
    height, width = photo.shape[:2]
    scale = (pixels / (height * width)) ** 0.5
    if scale >= 1.0:
        return photo
    size = (max(_SMALLEST_SIDE, round(width * scale)), max(_SMALLEST_SIDE, round(height * scale)))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
