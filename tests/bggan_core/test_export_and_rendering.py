import json

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from bggan_core.detail import detail_kept, transfer_detail
from bggan_core.export import convert_to_tflite, measure_parity, publish_weights
from bggan_core.glassnet import GlassNetConfig, build_glassnet
from bggan_core.rendering import Renderer
from tests.bggan_core.networks import TINY, randomise


def test_one_file_serves_every_size_and_orientation_like_keras(tiny_network):
    """Random weights and biases; float16 storage keeps the output within 0.01 of Keras on [-1, 1]."""
    tflite = convert_to_tflite(tiny_network, TINY)
    for height, width in ((32, 48), (48, 32), (64, 64)):
        assert measure_parity(tiny_network, tflite, height=height, width=width).max_abs_difference < 0.01


def test_the_static_pooled_file_computes_the_same(tiny_network):
    tflite = convert_to_tflite(tiny_network, TINY, image_size=(32, 48), form="pooled")
    assert measure_parity(tiny_network, tflite, height=32, width=48).max_abs_difference < 0.01
    operations = {detail["op_name"] for detail in Interpreter(model_content=tflite)._get_ops_details()}
    assert "AVERAGE_POOL_2D" in operations
    assert not operations & {"MEAN", "SHAPE", "STRIDED_SLICE", "PACK", "WHERE"}


def test_the_direct_output_exports_as_well(rng):
    config = GlassNetConfig(2, 2, 1)
    network = build_glassnet(config)
    randomise(network, rng)
    parity = measure_parity(network, convert_to_tflite(network, config), height=32, width=48)
    assert parity.max_abs_difference < 0.01


@pytest.fixture
def weights(tiny_network, tmp_path):
    publish_weights(tiny_network, TINY, tmp_path, record={"name": "tiny"}, working_pixels=48 * 32)
    return tmp_path


@pytest.mark.parametrize("size", [(100, 150), (150, 100), (20, 300), (16, 16), (32, 48), (37, 41)])
def test_a_rendering_has_the_photos_size(weights, rng, size):
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    rendering = Renderer.from_folder(weights).render(photo)
    assert rendering.shape == photo.shape
    assert rendering.dtype == np.uint8


def test_the_renderer_pads_and_crops_without_shifting(weights, tiny_network, rng):
    renderer = Renderer.from_folder(weights)
    photo = rng.uniform(0, 1, (32, 48, 3)).astype(np.float32)
    expected = np.clip((np.asarray(tiny_network(photo[None] * 2 - 1)[0])[0] + 1) / 2, 0, 1)
    np.testing.assert_allclose(renderer.render_at_working_size(photo), expected, atol=0.01)
    assert renderer.render_at_working_size(photo[:29, :43]).shape == (29, 43, 3)


def test_weights_that_are_not_the_manifests_are_refused(weights):
    path = weights / "glassnet.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(ValueError, match="sha256"):
        Renderer.from_folder(weights)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"manifest\.json is missing"):
        Renderer.from_folder(tmp_path)


def test_the_manifest_says_what_it_was_given(weights):
    manifest = json.loads((weights / "manifest.json").read_text())
    assert manifest["name"] == "tiny"
    assert manifest["parity_with_keras"]["max_abs_difference"] < 0.01


@pytest.mark.parametrize("photo", [np.zeros((32, 32), np.uint8), np.zeros((32, 32, 3)), np.zeros((8, 32, 3), np.uint8)])
def test_what_is_no_photo_is_refused(weights, photo):
    with pytest.raises(ValueError, match="photo must be"):
        Renderer.from_folder(weights).render(photo)


def _photo_with_texture(rng, height, width):
    coarse = rng.integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(int)
    return np.clip(photo + rng.integers(-20, 21, (height, width, 3)), 0, 255).astype(np.uint8)


def _working_size(photo):
    size = (photo.shape[1] // 5, photo.shape[0] // 5)
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def test_what_the_network_leaves_alone_keeps_every_pixel(rng):
    photo = _photo_with_texture(rng, 600, 500)
    seen = _working_size(photo)
    np.testing.assert_array_equal(transfer_detail(photo, seen, seen), photo)


@pytest.mark.parametrize("scale", [1, 5], ids=["working size", "full size"])
def test_what_the_network_softens_a_little_keeps_every_pixel_too(rng, scale):
    photo = _photo_with_texture(rng, 300, 400)
    size = (400 // scale, 300 // scale)
    seen = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    softened = seen - 0.04 * (seen - cv2.GaussianBlur(seen, (0, 0), 4))
    assert np.abs(softened - seen).max() > 3 / 255
    np.testing.assert_array_equal(transfer_detail(photo, seen, softened), photo)


def test_what_the_network_blurs_at_the_working_size_stays_as_it_blurs_it(rng):
    photo = _photo_with_texture(rng, 300, 400)
    seen = photo.astype(np.float32) / 255
    blurred = cv2.GaussianBlur(seen, (0, 0), 6)
    np.testing.assert_array_equal(transfer_detail(photo, seen, blurred), np.rint(blurred * 255))


def test_a_blurred_background_keeps_none_of_the_photos_texture_and_the_subject_all_of_it(rng):
    photo = _photo_with_texture(rng, 500, 1000)
    seen = _working_size(photo)
    rendering = cv2.GaussianBlur(seen, (0, 0), 4)
    rendering[:, :100] = seen[:, :100]
    full = transfer_detail(photo, seen, rendering)
    np.testing.assert_array_equal(full[:, :400], photo[:, :400])
    fine = full[:, 600:].astype(float) - cv2.GaussianBlur(full[:, 600:].astype(float), (0, 0), 3)
    fine_before = photo[:, 600:].astype(float) - cv2.GaussianBlur(photo[:, 600:].astype(float), (0, 0), 3)
    assert fine.std() < 0.05 * fine_before.std()


def test_strips_leave_no_seams(rng):
    """The rows of a strip are what resizing the whole plane gives (OpenCV's bicubic differs by its own constant)."""
    ramp = np.linspace(0, 1, 60, dtype=np.float32)[:, None, None] * np.ones((1, 40, 3), np.float32)
    photo = np.full((600, 400, 3), 128, np.uint8)
    full = transfer_detail(photo, np.full_like(ramp, 128 / 255), ramp).astype(int)
    assert np.abs(np.diff(full[20:-20, 200, 0])).max() <= 1


def test_detail_kept_is_one_for_the_photo_and_zero_for_its_blur(rng):
    seen = rng.uniform(0, 1, (60, 80, 3)).astype(np.float32)
    assert detail_kept(seen, seen, scale=1.0).min() == 1
    assert detail_kept(seen, cv2.GaussianBlur(seen, (0, 0), 5), scale=4.0).max() == 0


def test_a_large_photo_keeps_more_of_what_the_network_softens(rng):
    seen = rng.uniform(0, 1, (60, 80, 3)).astype(np.float32)
    softened = 0.5 * seen + 0.5 * cv2.GaussianBlur(seen, (0, 0), 5)
    at_working_size, larger, large, very_large = (
        float(np.median(detail_kept(seen, softened, scale=scale))) for scale in (1.0, 1.2, 1.4, 12.0)
    )
    assert 0 < at_working_size < larger < large < 1
    assert large == very_large
