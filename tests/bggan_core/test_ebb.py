import csv
import shutil

import cv2
import numpy as np
import pytest

from bggan_core.data.ebb import (
    EbbPairs,
    EbbRecipe,
    bokeh_free_photos,
    is_ebb,
    read_ebb,
    training_split,
    validation_split,
)
from bggan_core.data.ebb import (
    test_split as pynet_test_split,
)
from bggan_core.data.pairs import Pair, everything_counts
from bggan_core.data.photo_pairs import load_pair, read_photo_pairs, resize_pair
from bggan_core.data.pipeline import batches
from bggan_core.data.registration import check_pair, measure_shift
from bggan_core.data.wedges import counted_pixels
from bggan_core.exposure import fit_gain_offset, match_exposure
from scripts import check_pairs, make_ebb_sample

HEIGHT = 128


@pytest.fixture(scope="module")
def ebb(tmp_path_factory):
    """Eight training and four validation pairs in the challenge's layout."""
    folder = tmp_path_factory.mktemp("ebb")
    make_ebb_sample.main(folder, height=HEIGHT)
    return folder


@pytest.fixture
def training(ebb):
    return training_split(read_ebb(ebb))


def _names(pairs):
    return [pair.name for pair in pairs]


def test_the_split_is_the_published_one(ebb):
    pairs = read_ebb(ebb)
    assert _names(training_split(pairs)) == [f"ebb/{number}" for number in range(8)]
    assert _names(validation_split(pairs)) == [f"ebb/{number}" for number in range(4400, 4404)]


def test_photos_without_ground_truth_are_found_and_are_no_pairs(ebb, tmp_path):
    assert [path.name for path in bokeh_free_photos(ebb)] == ["0.png"]
    shutil.copytree(ebb / "ValidationBokehFree", tmp_path / "ValidationBokehFree")
    assert is_ebb(tmp_path)
    with pytest.raises(FileNotFoundError, match="1 photos without ground truth"):
        read_ebb(tmp_path)


def test_pynets_test_pairs_from_0_are_not_taken_for_the_training_pairs_of_those_ids(ebb, tmp_path):
    shutil.copytree(ebb / "Training", tmp_path / "train")
    for part in ("original", "bokeh"):
        (tmp_path / "test" / part).mkdir(parents=True)
        shutil.copy(ebb / "Training" / part / "3.jpg", tmp_path / "test" / part / "0.jpg")
    pairs = read_ebb(tmp_path)
    assert _names(pynet_test_split(pairs)) == ["ebb-test/0"]
    assert len(training_split(pairs)) == 8


def test_pynets_layout_with_val294_in_its_test_folder(tmp_path):
    make_ebb_sample.main(tmp_path, pairs=2, validation=2, height=32, layout="pynet")
    assert _names(validation_split(read_ebb(tmp_path))) == ["ebb/4400", "ebb/4401"]


@pytest.mark.parametrize("lines", ["5.jpg\n1.jpg\n", "1\n\n5\n", "ebb/5\nebb/1"])
def test_a_pair_list_keeps_what_it_names(ebb, tmp_path, lines):
    (tmp_path / "list.txt").write_text(lines)
    assert _names(read_ebb(ebb, pair_list=tmp_path / "list.txt")) == ["ebb/1", "ebb/5"]


@pytest.mark.parametrize(("line", "complaint"), [("999.jpg", "not in the folder"), ("roses.jpg", "no pair's name")])
def test_a_pair_list_that_does_not_fit_is_refused(ebb, tmp_path, line, complaint):
    (tmp_path / "list.txt").write_text(line)
    with pytest.raises(ValueError, match=complaint):
        read_ebb(ebb, pair_list=tmp_path / "list.txt")


def test_a_picture_without_a_partner_is_named(ebb, tmp_path):
    shutil.copytree(ebb / "Training", tmp_path / "Training")
    (tmp_path / "Training" / "bokeh" / "2.jpg").unlink()
    with pytest.raises(ValueError, match=r"no partner .*'2'"):
        read_ebb(tmp_path)


def test_validation_pictures_may_be_png(ebb, tmp_path):
    for part in ("original", "bokeh"):
        (tmp_path / part).mkdir()
        picture = cv2.imread(str(ebb / "Training" / part / "0.jpg"))
        cv2.imwrite(str(tmp_path / part / "rose.png"), picture)
    (pair,) = read_photo_pairs(tmp_path)
    assert load_pair(pair).photo.shape[0] == HEIGHT


def test_crops_are_the_photos_own_pixels(training):
    """A crop of a pair is found in the photo, at one place, in both pictures."""
    source = EbbPairs(training, recipe=EbbRecipe(), seed=1)
    crop = source.make(0, height=48, width=64)
    whole = load_pair(next(pair for pair in training if pair.name == crop.name))
    at = cv2.minMaxLoc(cv2.matchTemplate(whole.photo, crop.photo, cv2.TM_SQDIFF))[2]
    window = np.s_[at[1] : at[1] + 48, at[0] : at[0] + 64]
    np.testing.assert_array_equal(whole.photo[window], crop.photo)
    np.testing.assert_array_equal(whole.bokeh[window], crop.bokeh)
    np.testing.assert_array_equal(whole.mask[window], crop.mask)


def test_every_pair_is_seen_once_an_epoch_in_changing_order(training):
    source = EbbPairs(training, recipe=EbbRecipe(), seed=1)
    epochs = [[source.make(8 * epoch + n, height=16, width=16).name for n in range(8)] for epoch in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == _names(training)
    assert epochs[0] != epochs[1]


def test_batch_n_is_the_same_whenever_it_is_asked_for(training):
    first, second = (EbbPairs(training, recipe=EbbRecipe(mirror=True), seed=1) for _ in range(2))
    second.make_batch(0, size=2, height=32, width=48)
    for own, other in zip(
        first.make_batch(3, size=2, height=32, width=48), second.make_batch(3, size=2, height=32, width=48), strict=True
    ):
        np.testing.assert_array_equal(own, other)


def test_the_pipeline_delivers_photos_bokeh_masks_and_that_nobody_knows_the_defocus(training):
    source = EbbPairs(training, recipe=EbbRecipe(), seed=1)
    make = lambda index: source.make_batch(index, size=2, height=HEIGHT, width=160)  # noqa: E731
    streamed = [[plane.numpy() for plane in batch] for batch in batches(make, start=1, stop=3)]
    assert [plane.shape for plane in streamed[0]] == [(2, HEIGHT, 160, channels) for channels in (3, 3, 1, 1)]
    assert np.isnan(streamed[0][3]).all()
    for own, other in zip(streamed[1], make(2), strict=True):
        np.testing.assert_array_equal(own, other)
    masks = np.concatenate([batch[2] for batch in streamed])
    assert set(np.unique(masks)) == {0.0, 1.0}


def test_a_crop_larger_than_the_photo_is_masked_beyond_it(training):
    pair = EbbPairs(training, recipe=EbbRecipe(), seed=1).make(0, height=HEIGHT + 20, width=256)
    rows, columns = load_pair(next(p for p in training if p.name == pair.name)).mask.shape
    assert pair.photo.shape == (HEIGHT + 20, 256, 3)
    assert not pair.mask[rows:].any()
    assert not pair.mask[:, columns:].any()
    assert pair.mask[:rows, :columns].mean() > 0.8


def test_scaled_crops_show_most_of_the_photo(training):
    pair = EbbPairs(training, recipe=EbbRecipe(crop="scaled"), seed=1).make(0, height=32, width=48)
    whole = load_pair(next(p for p in training if p.name == pair.name))
    shrunk = resize_pair(whole, height=32, width=48)
    assert pair.photo.shape == (32, 48, 3)
    assert abs(pair.photo.mean() - shrunk.photo.mean()) < 0.05


def test_filler_is_masked_to_a_thousandth_and_little_else(ebb):
    """The generated wedges are known: what the warp drew from outside the picture."""
    with (ebb / make_ebb_sample.TRUTH_NAME).open() as file:
        truth = {row["name"]: row for row in csv.DictReader(file)}
    missed = filler = 0
    for files in read_ebb(ebb):
        pair, fault = load_pair(files), truth[files.name]
        warp = cv2.getRotationMatrix2D(
            ((pair.mask.shape[1] - 1) / 2, (pair.mask.shape[0] - 1) / 2), float(fault["degrees"]), 1.0
        )
        warp[:, 2] += float(fault["right_px"]), float(fault["down_px"])
        filled = cv2.warpAffine(np.ones_like(pair.mask), warp, pair.mask.shape[::-1])
        wide = cv2.erode((filled < 0.5).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
        missed, filler = missed + int(pair.mask[wide].sum()), filler + int(wide.sum())
        assert pair.mask[cv2.erode(filled, np.ones((25, 25))) == 1].all()
    assert missed <= filler / 1000


def test_a_black_subject_at_the_border_is_no_wedge(rng):
    photo = rng.uniform(0.2, 1, (64, 96, 3)).astype(np.float32)
    photo[20:, :30] = 0.0
    bokeh = cv2.GaussianBlur(photo, (0, 0), 1.0)
    bokeh[40:, 70:] = 0.0
    mask = counted_pixels(photo, bokeh)
    assert mask[:, :50].all()
    assert not mask[40:, 70:].any()


def test_phase_correlation_finds_a_shift_through_blur(rng):
    """Half a pixel is found although two thirds of the scene are out of focus and the exposure differs."""
    scene, matte, disparity = make_ebb_sample.generate_scene(160, 240, seed=3)
    lens = make_ebb_sample.Lens(aperture_px=6, focus=0.8)
    bokeh = make_ebb_sample.render_shallow_depth_of_field(scene, matte, disparity, lens)
    for right, down in ((0, 0), (5, -3), (1.5, 0.5)):
        moved = cv2.warpAffine(0.9 * bokeh, np.float64([[1, 0, right], [0, 1, down]]), (240, 160))
        shift = measure_shift(scene, moved, np.ones((160, 240), np.float32))
        assert (shift.right_px, shift.down_px) == pytest.approx((right, down), abs=0.3)


def test_misaligned_pairs_are_listed_and_left_out_of_the_pair_list(ebb, tmp_path, capsys):
    """Every fourth generated pair lies 8 px farther to the right."""
    check_pairs.main(ebb, to=tmp_path / "pairs.csv", keep=tmp_path / "list.txt")
    printed = capsys.readouterr().out
    assert "ebb/3: " in printed
    assert "3 of 12 pairs are more than 4 px apart" in printed
    assert len((tmp_path / "pairs.csv").read_text().splitlines()) == 13
    kept = _names(read_ebb(ebb, pair_list=tmp_path / "list.txt"))
    assert kept == [f"ebb/{number}" for number in (0, 1, 2, 4, 5, 6, 4400, 4401, 4402)]


def test_a_check_reports_the_exposure_difference_as_it_is(rng):
    photo = rng.uniform(0.2, 0.6, (48, 64, 3)).astype(np.float32)
    check = check_pair(Pair(photo, photo + 0.1, everything_counts(photo), name="x"))
    assert check.exposure_difference == pytest.approx(0.1, abs=1e-5)
    assert check.shift_px == pytest.approx(0, abs=0.05)


def test_exposure_is_recovered_channel_by_channel_from_a_blurred_picture(rng):
    small = rng.uniform(0.25, 0.7, (12, 16, 3)).astype(np.float32)
    photo = cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC)
    gain, offset = np.float32([0.9, 1.1, 1.0]), np.float32([0.05, -0.03, 0.02])
    mask = np.ones((192, 256), np.float32)
    fit = fit_gain_offset(photo, photo * gain + offset, mask)
    np.testing.assert_allclose(fit.gain, gain, atol=1e-4)
    np.testing.assert_allclose(fit.offset, offset, atol=1e-4)
    bokeh = cv2.GaussianBlur(photo, (0, 0), 2.0) * gain + offset
    assert np.abs(match_exposure(bokeh, photo, mask) - photo).mean() < 0.25 * np.abs(bokeh - photo).mean()


def test_masked_pixels_have_no_say_in_the_exposure(rng):
    photo = rng.uniform(0.3, 0.7, (64, 64, 3)).astype(np.float32)
    mask = np.ones((64, 64), np.float32)
    mask[:, :20] = 0
    bokeh = 0.8 * photo
    bokeh[:, :20] = 0
    np.testing.assert_allclose(fit_gain_offset(bokeh, photo, mask).gain, 1.25, rtol=1e-4)
    with pytest.raises(ValueError, match="mask is empty"):
        fit_gain_offset(photo, photo, np.zeros_like(mask))


def test_matched_crops_have_the_photos_exposure(training):
    plain, matched = (EbbPairs(training, recipe=EbbRecipe(match_exposure=on), seed=1) for on in (False, True))
    worst = {"plain": 0.0, "matched": 0.0}
    for index in range(4):
        for name, source in (("plain", plain), ("matched", matched)):
            pair = source.make(index, height=HEIGHT, width=160)
            counts = pair.mask > 0
            worst[name] = max(worst[name], abs(float(pair.bokeh[counts].mean() - pair.photo[counts].mean())))
    assert worst["matched"] < 0.01 < worst["plain"]
