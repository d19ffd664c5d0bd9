import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bggan_core.configs import CONFIGS
from bggan_core.data.corpus import Scene, read_manifest
from bggan_core.data.synthetic import PairMaker, PairRecipe, open_splits
from bggan_core.data.variety import Variety, random_crop, tilt, vary_light, vary_tilt

PLAIN = Variety()


def _ramps(height: int, width: int) -> Scene:
    """A scene whose red says the column and green the row, from its middle, in hundreds of pixels."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x - (width - 1) / 2) / 100, (y - (height - 1) / 2) / 100
    return Scene(np.stack([x, y, x], axis=2), matte=x, disparity=y)


@pytest.mark.parametrize("degrees", [-30.0, -4.0, 0.0, 4.0, 30.0])
@pytest.mark.parametrize(("height", "width"), [(120, 180), (180, 120), (90, 240)])
def test_a_tilted_scene_shows_the_photo_tilted_and_nothing_else(degrees, height, width):
    tilted = tilt(_ramps(height, width), degrees)
    own_height, own_width = tilted.matte.shape
    y, x = np.mgrid[:own_height, :own_width]
    x, y = (x - (own_width - 1) / 2) / 100, (y - (own_height - 1) / 2) / 100
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    # Seen on the screen, y down, a point tilted anticlockwise came from clockwise of it.
    columns, rows = x * cosine - y * sine, x * sine + y * cosine
    a_twentieth_of_a_pixel = 5e-4
    np.testing.assert_allclose(tilted.photo[..., 0], columns, atol=a_twentieth_of_a_pixel)
    np.testing.assert_allclose(tilted.photo[..., 1], rows, atol=a_twentieth_of_a_pixel)
    np.testing.assert_allclose(tilted.matte, columns, atol=a_twentieth_of_a_pixel)
    np.testing.assert_allclose(tilted.disparity, rows, atol=a_twentieth_of_a_pixel)


@pytest.mark.parametrize(("height", "width"), [(120, 180), (180, 120), (90, 240)])
def test_a_tilted_scene_keeps_its_shape_and_as_much_as_fits(height, width):
    tilted = tilt(_ramps(height, width), 10.0)
    own_height, own_width = tilted.matte.shape
    assert own_width / own_height == pytest.approx(width / height, abs=0.03)
    reach = max(np.abs(tilted.photo[..., 0]).max() / (width / 200), np.abs(tilted.photo[..., 1]).max() / (height / 200))
    assert reach > 0.97  # a corner of it lies at the photo's rim


def _windows(variety: Variety, *, photo: tuple[int, int], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Of 300 windows: the share of the photo's height and of its width that they show."""
    rng = np.random.default_rng(5)
    scene = _ramps(*photo)
    crops = [random_crop(scene, rng, variety, height=height, width=width).photo for _ in range(300)]
    assert {crop.shape for crop in crops} == {(height, width, 3)}
    shown = [(np.ptp(crop[..., 1]), np.ptp(crop[..., 0])) for crop in crops]
    rows, columns = np.transpose(shown)
    # A picture of n pixels spans (n - 1) / n of its window.
    return rows * 100 / photo[0] * height / (height - 1), columns * 100 / photo[1] * width / (width - 1)


def test_windows_keep_three_quarters_unless_told_otherwise():
    rows, columns = _windows(PLAIN, photo=(240, 360), height=48, width=72)
    assert 0.72 < rows.min() < 0.77
    assert 0.98 < rows.max() < 1.01
    np.testing.assert_allclose(rows, columns, atol=0.02)


def test_closer_windows_are_cut_when_asked_for():
    rows, _ = _windows(Variety(closest_window=0.4), photo=(240, 360), height=48, width=72)
    assert 0.38 < rows.min() < 0.43
    assert 0.97 < rows.max() < 1.01


@pytest.mark.parametrize(("photo", "closest"), [((80, 120), 0.6), ((40, 60), 0.75)])
def test_no_window_is_so_close_that_pixels_are_made_up(photo, closest):
    """Of 80 rows 48 are 60 %; a photo of 40 is too small for 48 anyway and gives what it always gave."""
    rows, _ = _windows(Variety(closest_window=0.2), photo=photo, height=48, width=72)
    assert rows.min() == pytest.approx(closest, abs=0.03)


def test_nor_is_one_out_of_proportion():
    rows, columns = _windows(Variety(closest_window=0.2, stretch=0.5), photo=(96, 144), height=48, width=72)
    assert rows.min() * 96 > 48 - 1.5
    assert columns.min() * 144 > 72 - 1.5


def test_windows_may_be_out_of_proportion_to_either_side():
    rows, columns = _windows(Variety(stretch=0.25), photo=(240, 360), height=48, width=72)
    proportions = columns / rows
    assert 0.78 < proportions.min() < 0.83
    assert 1.2 < proportions.max() < 1.28
    assert np.log(proportions).mean() == pytest.approx(0, abs=0.02)


def test_cameras_are_tilted_to_either_side_and_no_further_than_asked():
    rng = np.random.default_rng(5)
    tilted = [vary_tilt(_ramps(60, 90), rng, Variety(tilt_deg=8.0)) for _ in range(100)]
    slopes = [
        np.degrees(np.arctan2(*np.array([-np.gradient(t.matte, axis=0), np.gradient(t.matte, axis=1)]).mean((1, 2))))
        for t in tilted
    ]
    assert -8.3 < min(slopes) < -6.5
    assert 6.5 < max(slopes) < 8.3


def _hsv(photo: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(photo, cv2.COLOR_RGB2HSV).mean(axis=(0, 1))


def test_hues_and_saturation_move_as_far_as_asked_and_nothing_else_does():
    plane = np.zeros((8, 12), np.float32)
    green = Scene(np.full((8, 12, 3), (0.4, 0.6, 0.4), np.float32), plane, plane)

    def light(seed: int, variety: Variety) -> np.ndarray:
        return _hsv(vary_light(green, np.random.default_rng(seed), variety).photo)

    pairs = [(light(seed, PLAIN), light(seed, Variety(hue_deg=40.0, saturation=(0.5, 1.5)))) for seed in range(200)]
    plain, varied = np.array(pairs).transpose(1, 0, 2)
    turns, factors = varied[:, 0] - plain[:, 0], varied[:, 1] / plain[:, 1]
    assert -40.1 < turns.min() < -38
    assert 38 < turns.max() < 40.1
    assert 0.499 < factors.min() < 0.52
    assert 1.48 < factors.max() < 1.501
    np.testing.assert_allclose(varied[:, 2], plain[:, 2], atol=1e-4)


def test_a_plain_variety_draws_what_pairs_have_always_drawn():
    """Or the pairs of a seed, and all figures of networks scored on them, would be others."""
    rng, same = np.random.default_rng(5), np.random.default_rng(5)
    scene = _ramps(60, 90)
    assert vary_tilt(scene, rng, PLAIN) is scene
    cropped = random_crop(scene, rng, PLAIN, height=16, width=24)
    share = same.uniform(0.75, 1.0)
    rows, columns = int(16 * 3.75 * share), int(24 * 3.75 * share)
    top, left = same.integers(60 - rows + 1), same.integers(90 - columns + 1)
    expected = cv2.resize(scene.photo[top : top + rows, left : left + columns], (24, 16), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(cropped.photo, expected)
    vary_light(scene, rng, PLAIN)
    same.uniform(size=5)  # exposure, a tint of three, contrast
    if same.random() < 0.3:
        same.uniform()
    assert rng.bit_generator.state == same.bit_generator.state


@pytest.mark.parametrize(
    "field",
    [
        {"closest_window": 0.0},
        {"closest_window": 0.8},
        {"stretch": -0.1},
        {"stretch": 1.1},
        {"tilt_deg": -1.0},
        {"tilt_deg": 46.0},
        {"hue_deg": -1.0},
        {"hue_deg": 181.0},
        {"saturation": (1.2, 0.8)},
        {"saturation": (-0.1, 0.8)},
        {"saturation": (0.5, float("inf"))},
    ],
)
def test_what_no_scene_can_be_is_refused_by_name(field):
    with pytest.raises(ValueError, match=f"{next(iter(field))} must be"):
        Variety(**field)


NOTHING_ADDED = PairRecipe(bystander_share=0, foreground_share=0, night_share=0, camera_share=0, portrait_share=0)


def _pairs(corpus, variety: Variety, *, in_situ_share: float) -> list:
    recipe = replace(NOTHING_ADDED, in_situ_share=in_situ_share, near_plane_share=0.0, variety=variety)
    maker = PairMaker(corpus, read_manifest(corpus), recipe=recipe, seed=3)
    return [maker.make(index, height=64, width=96) for index in range(4)]


@pytest.mark.parametrize("in_situ_share", [1.0, 0.0], ids=["in_situ", "cut_out"])
def test_pairs_have_the_colours_that_their_recipe_asks_for(corpus, in_situ_share):
    for pair in _pairs(corpus, Variety(saturation=(0.0, 0.0)), in_situ_share=in_situ_share):
        assert np.ptp(pair.photo, axis=2).max() < 1e-5
        assert np.ptp(pair.bokeh, axis=2).max() < 1e-5


@pytest.mark.parametrize("in_situ_share", [1.0, 0.0], ids=["in_situ", "cut_out"])
def test_the_ground_of_pairs_tilts_where_their_recipe_asks_for_it(corpus, in_situ_share):
    """The corpus' ground recedes row by row, so that untilted pairs have one radius along the first of them."""
    for variety, tilts in ((PLAIN, False), (Variety(tilt_deg=30.0), True)):
        pairs = _pairs(corpus, variety, in_situ_share=in_situ_share)
        spreads = [np.ptp(pair.radius_px[0]) / pair.radius_px.max() for pair in pairs]
        assert (max(spreads) > 0.1) == tilts


def test_plates_have_no_close_windows(corpus):
    """Where the plate's own subject, small enough in the whole photo, might be taken for the one in focus."""
    plain, close = (_pairs(corpus, Variety(closest_window=share), in_situ_share=0.0) for share in (0.75, 0.2))
    for one, other in zip(plain, close, strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)


def test_smeared_depth_is_taken_off_the_background_in_close_windows_too(corpus, tmp_path):
    """The corpus' subject is 140 nearer than the ground: smear that by 3 of 144 pixels, as depth networks do."""
    smeared = tmp_path / "corpus"
    shutil.copytree(corpus, smeared)
    entries = [entry for entry in read_manifest(corpus) if entry.subject_fraction > 0]
    for entry in entries:
        matte = cv2.imread(str(corpus / "mattes" / f"{entry.name}.jpg"), cv2.IMREAD_GRAYSCALE)
        near = cv2.dilate(matte, np.ones((7, 7), np.uint8)) > 127
        depth = np.where(near, 200, 60).astype(np.uint8)
        cv2.imwrite(str(smeared / "depth" / f"{entry.name}.jpg"), depth, [cv2.IMWRITE_JPEG_QUALITY, 100])
    recipe = replace(NOTHING_ADDED, in_situ_share=1.0, near_plane_share=0.0, variety=Variety(closest_window=0.4))
    maker = PairMaker(smeared, entries, recipe=recipe, seed=3)
    for index in range(6):
        pair = maker.make(index, height=40, width=60)
        beside = (cv2.dilate(pair.matte, np.ones((5, 5), np.uint8)) > 0.5) & (pair.matte < 0.05)
        assert np.median(np.abs(pair.radius_px[beside])) > 0.5 * np.abs(pair.radius_px).max()


def test_training_pairs_are_varied_and_validation_pairs_are_not(corpus, monkeypatch):
    monkeypatch.setattr("bggan_core.data.synthetic.is_held_out", lambda name: name < "generated_006")
    varied = Variety(tilt_deg=20.0, saturation=(0.0, 0.0))
    train, validation = open_splits(corpus, recipe=replace(NOTHING_ADDED, variety=varied), seed=3)
    assert np.ptp(train.make(0, height=48, width=72).photo, axis=2).max() < 1e-5
    assert np.ptp(validation.make(0, height=48, width=72).photo, axis=2).max() > 0.1
    assert not set(train.photo_names) & set(validation.photo_names)


def test_the_varied_configuration_differs_in_its_variety_alone():
    clear, varied = CONFIGS["guided-clear"], CONFIGS["guided-varied"]
    assert varied.pairs.variety != PLAIN
    assert replace(varied.pairs, variety=PLAIN) == clear.pairs
    assert replace(varied, name=clear.name, pairs=clear.pairs, seed=clear.seed) == clear
