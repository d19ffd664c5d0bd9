"""Glass-Net, the generator of BGGAN (sec. 2.1, fig. 1): two encoder-decoders in a row, like a pair of glasses.

Stage 1 predicts the residual R = I - O of the photo I and its bokeh O; I - R is the rough result. Stage 2 refines it.
Images are float32 [B, H, W, 3] in [-1, 1]; H and W are multiples of `SIZE_MULTIPLE`.
"""

from dataclasses import dataclass
from typing import Literal

import keras

from bggan_core.layers import InstanceNormalization, NormalizationForm

NormalizationName = Literal["instance", "batch", "none"]

# Three stride-2 convolutions.
SIZE_MULTIPLE = 8


@dataclass(frozen=True)
class GlassNetConfig:
    """What fixes a Glass-Net's variables. The defaults are the paper's.

    Args:
        stage1_channels, stage2_channels: Channels at full resolution; each halving doubles them, to 8 times.
        residual_blocks: Residual blocks in each stage.
        output: "direct" takes stage 2's tanh as the final image, as the paper does; "residual" adds it to the rough
            result, so that an untrained network returns its input and sharp pixels need not be drawn anew.
        normalization: Between the convolutions of a residual block (the ablation of sec. 3.5).
    """

    stage1_channels: int = 16
    stage2_channels: int = 32
    residual_blocks: int = 9
    output: Literal["direct", "residual"] = "direct"
    normalization: NormalizationName = "instance"

    def __post_init__(self) -> None:
        if min(self.stage1_channels, self.stage2_channels, self.residual_blocks) < 1:
            raise ValueError(f"channels and residual_blocks must be at least 1, got {self}")
        if self.output not in ("direct", "residual"):
            raise ValueError(f"output must be 'direct' or 'residual', got {self.output!r}")
        if self.normalization not in ("instance", "batch", "none"):
            raise ValueError(f"normalization must be 'instance', 'batch' or 'none', got {self.normalization!r}")


def build_glassnet(
    config: GlassNetConfig,
    *,
    image_size: tuple[int | None, int | None] = (None, None),
    form: NormalizationForm = "moments",
) -> keras.Model:
    """Build Glass-Net: photos [B, H, W, 3] to the pair (final image, rough image), each [B, H, W, 3], float32.

    Args:
        image_size: Static height and width, or None for any; the pooled form of the normalisation needs them.
    Raises:
        ValueError: a static size that is no multiple of `SIZE_MULTIPLE`.
    """
    if any(side is not None and side % SIZE_MULTIPLE for side in image_size):
        raise ValueError(f"image_size must be multiples of {SIZE_MULTIPLE}, got {image_size}")
    photo = keras.Input((*image_size, 3), name="photo")
    residual = _stage(photo, config, channels=config.stage1_channels, form=form, name="stage1")
    rough = keras.layers.Subtract(name="rough", dtype="float32")([photo, residual])
    # Paper: stage 2 refines the rough result (sec. 2.1). Here: it also sees R, as in the authors' released network,
    # because R says where stage 1 found the background.
    glasses = keras.layers.Concatenate(name="stage2_input")([rough, residual])
    refined = _stage(glasses, config, channels=config.stage2_channels, form=form, name="stage2")
    final = refined
    if config.output == "residual":
        final = keras.layers.Add(name="final", dtype="float32")([rough, refined])
    return keras.Model(photo, [final, rough], name="glassnet")


def _stage(
    image: keras.KerasTensor, config: GlassNetConfig, *, channels: int, form: NormalizationForm, name: str
) -> keras.KerasTensor:
    """One encoder-decoder: image in, tanh image out, with every encoder map concatenated to its mirror."""
    widths = [channels * 2**level for level in range(4)]
    x = _convolution(image, widths[0], name=f"{name}_head")
    skips = [x]
    for level, width in enumerate(widths[1:], start=1):
        x = _convolution(x, width, strides=2, name=f"{name}_down{level}")
        skips.append(x)
    for block in range(config.residual_blocks):
        x = _residual_block(x, config, form=form, name=f"{name}_block{block + 1}")
    for level in (3, 2, 1):
        x = keras.layers.Concatenate(name=f"{name}_skip{level}")([x, skips[level]])
        # No bias: a biased transposed convolution followed by ReLU converts to an operation GPU delegates refuse.
        x = keras.layers.Conv2DTranspose(
            widths[level - 1], 4, strides=2, padding="same", use_bias=False, activation="relu", name=f"{name}_up{level}"
        )(x)
    x = keras.layers.Concatenate(name=f"{name}_skip0")([x, skips[0]])
    # A residual starts from zero, so that training starts from the photo itself.
    is_residual = name == "stage1" or config.output == "residual"
    x = keras.layers.Conv2D(
        3, 3, padding="same", kernel_initializer="zeros" if is_residual else "glorot_uniform", name=f"{name}_output"
    )(x)
    return keras.layers.Activation("tanh", name=f"{name}_tanh", dtype="float32")(x)


def _convolution(x: keras.KerasTensor, filters: int, *, name: str, strides: int = 1) -> keras.KerasTensor:
    """A 3x3 convolution with ReLU."""
    return keras.layers.Conv2D(
        filters, 3, strides=strides, padding="same", activation="relu", kernel_initializer="he_normal", name=name
    )(x)


def _residual_block(
    x: keras.KerasTensor, config: GlassNetConfig, *, form: NormalizationForm, name: str
) -> keras.KerasTensor:
    """conv / ReLU / normalisation / conv / ReLU, plus the block's input (sec. 2.1)."""
    width = x.shape[-1]
    y = _convolution(x, width, name=f"{name}_conv1")
    if config.normalization == "instance":
        y = InstanceNormalization(form=form, name=f"{name}_norm")(y)
    elif config.normalization == "batch":
        y = keras.layers.BatchNormalization(name=f"{name}_norm")(y)
    y = _convolution(y, width, name=f"{name}_conv2")
    return keras.layers.Add(name=f"{name}_add")([x, y])
