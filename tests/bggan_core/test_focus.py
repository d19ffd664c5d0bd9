import cv2
import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from bggan_core.data.corpus import load_scene, read_manifest
from bggan_core.data.synthetic import PairMaker, PairRecipe
from bggan_core.focus import (
    RadiusJudge,
    area_under_roc,
    blur_by_discs,
    detail_kept,
    fitted_psnr_gain,
    focus_auc,
    label_focus,
    local_detail,
    matte_detail_kept,
    rendered_radius,
)
from bggan_core.optics import Lens, circle_of_confusion, render_shallow_depth_of_field
from scripts.make_ebb_sample import generate_scene

HEIGHT, WIDTH = 256, 384
EVERYTHING = np.ones((HEIGHT, WIDTH), np.float32)


@pytest.fixture(scope="module")
def scene():
    """Photo, bokeh, matte and signed radius of a textured disc before a receding ground, 384 pixels wide."""
    photo, matte, disparity = generate_scene(HEIGHT, WIDTH, seed=5)
    lens = Lens(aperture_px=8, focus=0.8)
    return (
        photo,
        render_shallow_depth_of_field(photo, matte, disparity, lens),
        matte,
        circle_of_confusion(disparity, lens),
    )


def test_detail_of_a_ramp_is_its_slope():
    ramp = np.repeat(np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None], HEIGHT, axis=0).repeat(3, axis=2)
    np.testing.assert_allclose(local_detail(ramp)[:, 20:-20], 1 / (WIDTH - 1), rtol=1e-3)


def test_the_lens_had_the_subject_in_focus_and_the_far_ground_not(scene):
    photo, bokeh, matte, radius = scene
    labels = label_focus(photo, bokeh, EVERYTHING)
    assert matte[labels.in_focus].mean() > 0.9
    assert matte[labels.out_of_focus].mean() < 0.02
    assert labels.out_of_focus[(radius > 3) & (matte == 0)].mean() > 0.8


def test_exposure_does_not_change_the_labels(scene):
    photo, bokeh, *_ = scene
    darker = (0.8 * bokeh + 0.05).astype(np.float32)
    labels, again = label_focus(photo, bokeh, EVERYTHING), label_focus(photo, darker, EVERYTHING)
    assert (labels.in_focus == again.in_focus).mean() > 0.98


def test_masked_pixels_have_no_label(scene):
    photo, bokeh, *_ = scene
    mask = EVERYTHING.copy()
    mask[:, :100] = 0
    labels = label_focus(photo, bokeh, mask)
    assert not labels.in_focus[:, :100].any()
    assert not labels.out_of_focus[:, :100].any()


def test_the_ground_truth_has_auc_1_and_the_photo_itself_a_half(scene):
    photo, bokeh, *_ = scene
    labels = label_focus(photo, bokeh, EVERYTHING)
    assert focus_auc(bokeh, labels) == pytest.approx(1.0, abs=1e-3)
    assert focus_auc(photo, labels) == 0.5


def test_blur_that_knows_no_subject_hardly_tells_and_blur_in_the_wrong_place_is_below_a_half(scene):
    """The generated texture is alike everywhere, so a Gaussian tells little; the reversed lens errs."""
    photo, bokeh, matte, _ = scene
    labels = label_focus(photo, bokeh, EVERYTHING)
    assert 0.35 < focus_auc(cv2.GaussianBlur(photo, (0, 0), 1.5), labels) < 0.75
    reversed_ = matte[..., None] * cv2.GaussianBlur(photo, (0, 0), 3) + (1 - matte[..., None]) * photo
    assert focus_auc(reversed_.astype(np.float32), labels) < 0.1


def test_the_auc_is_scipys(rng):
    positive, negative = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 70) + 0.0
    expected = mannwhitneyu(positive, negative).statistic / (40 * 70)
    assert area_under_roc(positive, negative) == pytest.approx(expected)


def test_a_picture_without_focus_has_no_auc(scene):
    photo, *_ = scene
    labels = label_focus(photo, cv2.GaussianBlur(photo, (0, 0), 4), EVERYTHING)
    assert np.isnan(focus_auc(photo, labels))
    inside, outside = detail_kept(photo, labels)
    assert np.isnan(inside)
    assert outside == 1.0


def test_the_ground_truth_keeps_the_detail_in_focus_and_little_out_of_it(scene):
    photo, bokeh, *_ = scene
    labels = label_focus(photo, bokeh, EVERYTHING)
    inside, outside = detail_kept(bokeh, labels)
    assert inside > 0.95
    assert outside < 0.5
    assert detail_kept(photo, labels) == (1.0, 1.0)


def test_the_fitted_gain_does_not_see_exposure(scene):
    """Half the bokeh plus a constant is a perfect rendering; the photo itself gains nothing."""
    photo, bokeh, *_ = scene
    assert fitted_psnr_gain(0.5 * bokeh + 0.2, photo, bokeh, EVERYTHING) > 40
    assert fitted_psnr_gain(photo, photo, bokeh, EVERYTHING) == 0
    darker = (0.7 * bokeh).astype(np.float32)
    blurred = cv2.GaussianBlur(photo, (0, 0), 1.5)
    gains = [fitted_psnr_gain(blurred, photo, truth, EVERYTHING) for truth in (bokeh, darker)]
    assert gains[0] == pytest.approx(gains[1], abs=1e-3)


def test_a_softened_subject_loses_energy_that_sharpening_elsewhere_does_not_repay(scene):
    photo, bokeh, matte, _ = scene
    assert matte_detail_kept(photo, photo, matte) == 1.0
    assert matte_detail_kept(bokeh, photo, matte) > 0.97
    soft = cv2.GaussianBlur(photo, (0, 0), 1.0)
    assert matte_detail_kept(soft, photo, matte) < 0.7
    half = np.where(np.arange(WIDTH)[None, :, None] < WIDTH // 2, soft, np.clip(2 * photo - soft, 0, 1))
    assert matte_detail_kept(half.astype(np.float32), photo, matte) < 0.95
    assert np.isnan(matte_detail_kept(photo, photo, np.zeros_like(matte)))


@pytest.mark.parametrize("radius", [0.0, 2.0, 5.0])
def test_the_radius_of_a_uniform_blur_is_found(scene, radius):
    photo = scene[0]
    lens = Lens(aperture_px=radius, focus=1.0, depth_of_field=0.0, highlight_gain=1.0)
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    blurred = render_shallow_depth_of_field(photo, nothing, nothing, lens)
    assert np.median(rendered_radius(blurred, blur_by_discs(photo))) == pytest.approx(radius, abs=0.25)


def test_the_rank_correlation_of_the_lens_itself_is_high_and_of_uniform_blur_is_not(scene):
    photo, bokeh, matte, radius = scene
    judge = RadiusJudge(photo, matte, radius)
    assert judge.rank_correlation(bokeh) > 0.9
    assert judge.rank_correlation(photo) == 0.0
    assert abs(judge.rank_correlation(cv2.GaussianBlur(photo, (0, 0), 2))) < 0.4


def test_a_flat_background_has_no_rank_correlation(scene):
    photo, bokeh, matte, _ = scene
    assert np.isnan(RadiusJudge(photo, matte, np.full_like(matte, 3.0)).rank_correlation(bokeh))


def test_on_synthetic_pairs_the_methods_stand_in_the_expected_order(corpus):
    """The photo at a half, a global blur below the truth, the truth at 1: as on photographed pairs."""
    maker = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(blur_radius=(0.02, 0.03)), seed=1)
    assert load_scene(corpus, maker.subjects[0]).matte.any()
    scores = []
    for index in range(3):
        pair = maker.make(index, height=128, width=192)
        labels = label_focus(pair.photo, pair.bokeh, pair.mask)
        scores.append(
            [
                focus_auc(picture, labels)
                for picture in (pair.photo, cv2.GaussianBlur(pair.photo, (0, 0), 1), pair.bokeh)
            ]
        )
    photo, blur, truth = np.nanmean(scores, axis=0)
    assert photo == 0.5
    assert blur < truth
    assert truth > 0.99
