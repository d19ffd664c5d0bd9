from dataclasses import replace

import cv2
import numpy as np
import pytest

from bggan_core.data.corpus import Scene, load_scene
from bggan_core.data.scenes import (
    add_bystander,
    has_plain_focus,
    has_sharp_background,
    lay_over,
    snap_depth,
    take_near_plane,
    take_near_plane_with_subject,
)


def test_a_photo_with_a_blurred_background_is_no_in_situ_pair(corpus):
    scene = load_scene(corpus, "generated_001")
    assert has_sharp_background(scene)
    blurred = cv2.GaussianBlur(scene.photo, (0, 0), 3)
    portrait = scene.matte[..., None] * scene.photo + (1 - scene.matte[..., None]) * blurred
    assert not has_sharp_background(replace(scene, photo=portrait.astype(np.float32)))


def test_smeared_depth_leaves_the_background_but_the_ground_stays():
    """A subject at .8 on ground at .8 below it, before a wall at .2; the depth map smears .8 over the wall."""
    matte, disparity = np.zeros((96, 144), np.float32), np.full((96, 144), 0.2, np.float32)
    matte[30:70, 50:90] = 1
    disparity[28:70, 48:92] = 0.8
    disparity[70:] = 0.8
    snapped = snap_depth(Scene(np.zeros((96, 144, 3), np.float32), matte, disparity)).disparity
    assert snapped[29, 70] == pytest.approx(0.2, abs=0.05)
    assert snapped[72, 70] == pytest.approx(0.8, abs=0.05)
    np.testing.assert_array_equal(snapped[matte == 1], disparity[matte == 1])


def _scene(disparity, matte):
    return Scene(np.zeros((*matte.shape, 3), np.float32), matte, disparity)


@pytest.mark.parametrize(("in_front", "allowed", "plain"), [(0.9, 0.1, False), (0.9, 0.3, True), (0.58, 0.1, True)])
def test_focus_is_plain_where_little_lies_before_the_subject(in_front, allowed, plain):
    """A subject at .5 before a wall at .1, and a fifth of the frame nearer than it."""
    matte, disparity = np.zeros((60, 100), np.float32), np.full((60, 100), 0.1, np.float32)
    matte[10:40, 40:60] = 1
    disparity[10:40, 40:60] = 0.5
    disparity[48:] = in_front
    assert has_plain_focus(_scene(disparity, matte), nearer_share=allowed, off_plane_share=0.0) is plain


@pytest.mark.parametrize(("allowed", "plain"), [(0.2, False), (0.4, True)])
@pytest.mark.parametrize("depths", [(0.8, 0.5), (0.5, 0.8)])
def test_focus_is_plain_where_the_subject_is_at_one_depth(depths, allowed, plain):
    """Two people, one behind the other; the second is three tenths of both."""
    matte, disparity = np.zeros((60, 100), np.float32), np.full((60, 100), 0.1, np.float32)
    for columns, depth in zip((np.s_[10:45], np.s_[60:75]), depths, strict=True):
        matte[20:50, columns] = 1
        disparity[20:50, columns] = depth
    assert has_plain_focus(_scene(disparity, matte), nearer_share=1.0, off_plane_share=allowed) is plain


def test_focus_is_not_plain_without_a_subject():
    nothing = np.zeros((60, 100), np.float32)
    assert not has_plain_focus(_scene(nothing, nothing), nearer_share=1.0, off_plane_share=1.0)


def _flat_scene(rng, *, columns):
    """A random picture at one depth, whose subject takes some columns of rows 16 to 48."""
    matte = np.zeros((64, 96), np.float32)
    matte[16:48, columns] = 1
    return Scene(rng.random((64, 96, 3), np.float32), matte, np.full((64, 96), 0.5, np.float32))


def _assert_equal(scene, other):
    for plane in ("photo", "matte", "disparity"):
        np.testing.assert_array_equal(getattr(scene, plane), getattr(other, plane))


def test_a_plates_matte_decides_about_rivals_only(rng):
    plate, subject = _flat_scene(rng, columns=np.s_[:30]), _flat_scene(rng, columns=np.s_[40:60])
    empty = replace(plate, matte=np.zeros_like(plate.matte))
    marked, unmarked = (lay_over(subject, each, np.random.default_rng(3), rival_share=1.0) for each in (plate, empty))
    _assert_equal(marked, unmarked)


def test_a_cut_out_beside_a_large_rival_is_passed_over(rng):
    plate, subject = _flat_scene(rng, columns=np.s_[:30]), _flat_scene(rng, columns=np.s_[40:60])
    passed_over = set()
    for seed in range(20):
        laid, chosen = (
            lay_over(subject, plate, np.random.default_rng(seed), rival_share=share) for share in (1.0, 0.3)
        )
        own, rival = laid.matte.sum(), (plate.matte * (1 - laid.matte)).sum()
        assert (chosen is None) == (rival / (own + rival) > 0.3)
        if chosen is not None:
            _assert_equal(chosen, laid)
        passed_over.add(chosen is None)
    assert passed_over == {True, False}


def test_a_bystander_is_marked_as_a_rival_beside_the_plates_own(rng):
    plate, other = _flat_scene(rng, columns=np.s_[:30]), _flat_scene(rng, columns=np.s_[40:60])
    crowded = add_bystander(other, plate, rng)
    added = (crowded.photo != plate.photo).any(axis=2)
    assert added.any()
    np.testing.assert_array_equal(crowded.matte == 1, added | (plate.matte == 1))


def test_a_scene_without_anything_near_has_no_near_plane(rng):
    flat = Scene(
        rng.random((64, 96, 3), np.float32), np.zeros((64, 96), np.float32), np.full((64, 96), 0.5, np.float32)
    )
    assert take_near_plane(flat, rng) is None


def _slope_with_subject(rng, subject_depth, *, size=24):
    """Ground that comes nearer towards the bottom, and a subject on its left half, at its middle rows."""
    disparity = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[:, None], 96, axis=1)
    matte = np.zeros((64, 96), np.float32)
    subject = np.s_[24 : 24 + size, 8 : 8 + size]
    matte[subject] = 1
    disparity[subject] = subject_depth
    return Scene(rng.random((64, 96, 3), np.float32), matte, disparity)


def test_a_near_plane_reaches_back_to_a_subject_and_the_ground_beside_it(rng):
    scene = _slope_with_subject(rng, subject_depth=0.6)
    subject = scene.matte == 1
    depth_alone = take_near_plane(scene, np.random.default_rng(3))
    with_subject = take_near_plane_with_subject(scene, np.random.default_rng(3))
    assert depth_alone.matte[subject].mean() < 0.3
    assert with_subject.matte[subject].min() == 1
    np.testing.assert_array_equal(with_subject.disparity[subject], with_subject.disparity.max())
    level_with_it = np.abs(scene.disparity[:, 80] - 0.6) < 0.05
    assert depth_alone.matte[level_with_it, 80].mean() < 0.3
    assert with_subject.matte[level_with_it, 80].min() == 1


def test_a_near_plane_before_a_subject_is_passed_over(rng):
    scene = _slope_with_subject(rng, subject_depth=0.3)
    assert take_near_plane(scene, np.random.default_rng(3)) is not None
    assert take_near_plane_with_subject(scene, np.random.default_rng(3)) is None


def test_a_subject_too_small_to_be_focused_on_has_no_say_in_a_near_plane(rng):
    scene = _slope_with_subject(rng, subject_depth=0.3, size=8)
    taken, expected = (
        take(scene, np.random.default_rng(3)) for take in (take_near_plane_with_subject, take_near_plane)
    )
    np.testing.assert_array_equal(taken.matte, expected.matte)
    np.testing.assert_array_equal(taken.disparity, expected.disparity)
