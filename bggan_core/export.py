"""From trained weights to TFLite files whose output is checked against Keras, and the manifest that ships with them.

Conversion goes through a concrete function over a module that holds the variables: converting the Keras model itself
writes, without an error, a file that reads uninitialised variables.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from bggan_core.glassnet import SIZE_MULTIPLE, GlassNetConfig, build_glassnet
from bggan_core.layers import NormalizationForm
from bggan_core.rendering import MANIFEST_NAME, NETWORK_NAME

# float16 weights: at most this far from Keras' float32 output on [-1, 1], that is 2.6 grey levels of 255.
PARITY_TOLERANCE = 0.02


@dataclass(frozen=True)
class Parity:
    """How far a TFLite file's output is from Keras', on [-1, 1]."""

    max_abs_difference: float
    psnr_db: float


def convert_to_tflite(
    network: keras.Model,
    config: GlassNetConfig,
    *,
    image_size: tuple[int | None, int | None] = (None, None),
    form: NormalizationForm = "moments",
) -> bytes:
    """Convert Glass-Net's final image to TFLite with float16 weights.

    Args:
        network: Built from config; only its weights are read.
        image_size: (None, None) gives one file for every size and orientation, whose input is to be resized to
            multiples of `SIZE_MULTIPLE`; a static size is what phones' GPUs need.
    """
    replica = build_glassnet(config, image_size=image_size, form=form)
    replica.set_weights(network.get_weights())

    @tf.function(input_signature=[tf.TensorSpec((1, *image_size, 3), tf.float32, name="photo")])
    def render(photo: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"bokeh": replica(photo, training=False)[0]}

    holder = tf.Module()
    holder.variables_to_freeze = [variable.value for variable in replica.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([render.get_concrete_function()], holder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    converted: bytes = converter.convert()
    return converted


def measure_parity(network: keras.Model, tflite: bytes, *, height: int, width: int, seed: int = 0) -> Parity:
    """Run both on one random image of a size and compare."""
    photo = np.random.default_rng(seed).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)
    expected = np.asarray(network(photo, training=False)[0])
    difference = run_tflite(tflite, photo) - expected
    return Parity(float(np.abs(difference).max()), float(10 * np.log10(4 / max(float((difference**2).mean()), 1e-20))))


def run_tflite(tflite: bytes, photo: np.ndarray) -> np.ndarray:
    """Run a TFLite network on one batch, resizing its input to it."""
    interpreter = Interpreter(model_content=tflite)
    slot = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(slot, photo.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(slot, photo)
    interpreter.invoke()
    output: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return output


def publish_weights(
    network: keras.Model, config: GlassNetConfig, folder: Path, *, record: dict[str, Any], working_pixels: int
) -> Parity:
    """Write the network and its manifest to a folder that `Renderer.from_folder` opens.

    Args:
        record: What the manifest says of the training: configuration, steps, hours, data, metrics.
        working_pixels: Area the renderer scales photos to before the network sees them.
    Raises:
        ValueError: the file's output is farther than `PARITY_TOLERANCE` from Keras'; nothing is written.
    """
    tflite = convert_to_tflite(network, config)
    parity = measure_parity(network, tflite, height=SIZE_MULTIPLE * 32, width=SIZE_MULTIPLE * 48)
    if not parity.max_abs_difference <= PARITY_TOLERANCE:
        raise ValueError(f"the TFLite file is {parity} from Keras, more than {PARITY_TOLERANCE}: not written")
    manifest = {
        "file": NETWORK_NAME,
        "sha256": hashlib.sha256(tflite).hexdigest(),
        "bytes": len(tflite),
        "weights": "float16",
        "working_pixels": working_pixels,
        "parity_with_keras": vars(parity),
        **record,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK_NAME).write_bytes(tflite)
    _write_manifest(manifest, folder)
    return parity


def amend_manifest(folder: Path, **fields: Any) -> dict[str, Any]:
    """Add to a published manifest, or replace in it, what became known after the network was written; return it."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8")) | fields
    _write_manifest(manifest, folder)
    return manifest


def _write_manifest(manifest: dict[str, Any], folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
