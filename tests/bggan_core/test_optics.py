import cv2
import numpy as np
import pytest

from bggan_core.optics import (
    Aperture,
    Lens,
    aperture_kernel,
    circle_of_confusion,
    fill_hidden,
    linear_to_srgb,
    render_shallow_depth_of_field,
    render_without_occlusion,
    restore_highlights,
    srgb_to_linear,
)
from tests.bggan_core.thin_lens_tracer import Plane, pinhole, scatter, trace

NO_GLOW = {"highlight_gain": 1.0, "depth_of_field": 0.0}


def test_the_radius_of_confusion_is_linear_in_disparity():
    lens = Lens(aperture_px=10, focus=0.6, depth_of_field=0.0)
    radius = circle_of_confusion(np.array([[0.6, 0.1, 0.8]], np.float32), lens)
    np.testing.assert_allclose(radius, [[0, 5, -2]], atol=1e-6)


def test_nothing_within_the_depth_of_field_is_blurred():
    lens = Lens(aperture_px=10, focus=0.6, depth_of_field=0.1)
    assert not circle_of_confusion(np.array([[0.52, 0.68]], np.float32), lens).any()


@pytest.mark.parametrize("radius", [0.0, 0.7, 3.0, 6.4])
def test_a_disc_conserves_energy_and_has_the_area_of_its_radius(radius):
    kernel = aperture_kernel(radius, Aperture())
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    if radius >= 3:
        assert 1 / kernel.max() == pytest.approx(np.pi * radius**2, rel=0.06)


def test_srgb_decodes_to_the_standards_values_and_back(rng):
    """IEC 61966-2-1: mid grey 0.5 is 0.2140 in linear light."""
    assert srgb_to_linear(np.array([0.5], np.float32))[0] == pytest.approx(0.21404, abs=1e-4)
    values = rng.uniform(0, 1, 100).astype(np.float32)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-5)


def test_only_clipped_pixels_become_brighter_than_white():
    light = np.array([[[0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [1.0, 0.1, 0.1]]], np.float32)
    np.testing.assert_allclose(restore_highlights(light, gain=4.0)[0, :, 0], [0.5, 4.0, 1.0], rtol=1e-6)


def test_a_flat_scene_stays_flat():
    photo = np.full((40, 60, 3), 0.4, np.float32)
    matte, disparity = np.zeros((40, 60), np.float32), np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    matte[10:30, 20:40] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.7, **NO_GLOW))
    np.testing.assert_allclose(bokeh, photo, atol=2e-3)


def test_the_subject_stays_as_it_is_and_the_background_loses_its_texture(rng):
    photo = rng.uniform(0.2, 0.8, (64, 96, 3)).astype(np.float32)
    matte, disparity = np.zeros((64, 96), np.float32), np.full((64, 96), 0.1, np.float32)
    matte[20:44, 30:66] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.8, **NO_GLOW))
    np.testing.assert_allclose(bokeh[20:44, 30:66], photo[20:44, 30:66], atol=1e-4)
    assert bokeh[:12].std() < 0.2 * photo[:12].std()


def test_a_sharp_subject_and_its_surroundings_keep_their_own_highlights():
    """Lights restored for blurring must not whiten what is in focus."""
    photo = np.full((64, 64, 3), 247 / 255, np.float32)
    matte, disparity = np.zeros((64, 64), np.float32), np.full((64, 64), 0.8, np.float32)
    matte[20:44, 20:44] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.8))
    np.testing.assert_allclose(bokeh, photo, atol=1e-4)


def test_a_sharp_subject_does_not_bleed_into_its_background():
    photo = np.full((64, 64, 3), 0.2, np.float32)
    matte = np.zeros((64, 64), np.float32)
    matte[24:40, 24:40] = 1
    photo[matte == 1] = (1.0, 0.0, 0.0)
    bokeh = render_shallow_depth_of_field(photo, matte, np.zeros((64, 64), np.float32), Lens(8, 1.0, **NO_GLOW))
    np.testing.assert_allclose(bokeh[matte == 0], 0.2, atol=2e-3)


@pytest.mark.parametrize("sky", [0.9, 1.0])
def test_an_undecided_matte_before_a_bright_sky_leaves_the_picture_as_it_is(sky):
    """Filled in from the sky all around, the dark thing that the matte doubts would come out as a grey cloud."""
    photo = np.full((128, 192, 3), sky, np.float32)
    matte, disparity = np.zeros((128, 192), np.float32), np.zeros((128, 192), np.float32)
    photo[:, 80:120] = 0.1
    matte[:64, 80:120], matte[64:, 80:120] = 1.0, 0.5
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(4, 1.0))
    np.testing.assert_allclose(bokeh[80:112, 88:112], 0.1, atol=0.06)


@pytest.mark.parametrize("softness_px", [0.7, 1.5])
def test_a_subject_with_a_soft_rim_hardly_bleeds_into_its_background(softness_px):
    """Its rim is mixed from both lights, and of the matte what is below .2 is taken for background."""
    photo, disc = np.zeros((256, 384, 3), np.float32), np.zeros((256, 384), np.float32)
    disc[64:192, 128:256] = 1
    cover = cv2.GaussianBlur(disc, (0, 0), softness_px)
    photo[..., 0] = linear_to_srgb(0.8 * cover)
    matte = np.clip((cover - 0.2) / 0.4, 0, 1)
    bokeh = render_shallow_depth_of_field(photo, matte, np.zeros_like(matte), Lens(6, 1.0, **NO_GLOW))
    away = cv2.dilate(matte, np.ones((9, 9), np.uint8)) == 0
    assert srgb_to_linear(bokeh)[away].max() < 0.03


def test_a_rim_lets_the_background_be_blurred_behind_it(rng):
    """The texture behind a half-transparent rim must go with the rest of it, and the rim's own light must stay."""
    photo, matte = rng.uniform(0.2, 0.8, (128, 192, 3)).astype(np.float32), np.zeros((128, 192), np.float32)
    matte[32:96, 64:128] = 1
    matte = cv2.blur(matte, (3, 3))
    sharp = srgb_to_linear(photo) * (1 - matte[..., None])
    bokeh = render_shallow_depth_of_field(linear_to_srgb(sharp), matte, np.zeros_like(matte), Lens(8, 1.0, **NO_GLOW))
    half = (matte > 0.3) & (matte < 0.4)
    assert srgb_to_linear(bokeh)[half].std() < 0.4 * sharp[half].std()


def test_portrait_and_landscape_are_rendered_alike(rng):
    photo, matte = rng.uniform(0, 1, (96, 144, 3)).astype(np.float32), np.zeros((96, 144), np.float32)
    matte[30:70, 50:90] = 1
    matte = cv2.GaussianBlur(matte, (0, 0), 2.5)
    disparity = np.tile(np.linspace(0, 0.8, 144, dtype=np.float32), (96, 1))
    landscape = render_shallow_depth_of_field(photo, matte, disparity, Lens(6, 0.8))
    turned = [np.ascontiguousarray(np.swapaxes(plane, 0, 1)) for plane in (photo, matte, disparity)]
    portrait = render_shallow_depth_of_field(*turned, Lens(6, 0.8))
    np.testing.assert_allclose(np.swapaxes(portrait, 0, 1), landscape, atol=1e-3)


def test_the_ground_in_focus_beside_the_subject_stays_as_it_is(rng):
    photo = rng.uniform(0.2, 0.8, (64, 96, 3)).astype(np.float32)
    matte = np.zeros((64, 96), np.float32)
    matte[20:44, 30:66] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, np.full((64, 96), 0.8, np.float32), Lens(8, 0.8, **NO_GLOW))
    np.testing.assert_allclose(bokeh, photo, atol=1e-4)


def test_two_pixels_from_the_subject_the_background_is_its_own():
    """A dark post beside a dark subject, before a bright wall: no bright gap between post and subject."""
    photo = np.full((128, 384, 3), 0.9, np.float32)
    photo[:, 180:204] = 0.1
    matte = np.zeros((128, 384), np.float32)
    matte[:, 180:200] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, np.zeros((128, 384), np.float32), Lens(1.5, 1.0, **NO_GLOW))
    assert bokeh[64, 201].mean() < 0.3


def test_without_occlusion_it_does():
    """The halo that the ablation shows: the subject's red in the background next to it."""
    photo = np.full((64, 64, 3), 0.2, np.float32)
    matte = np.zeros((64, 64), np.float32)
    matte[24:40, 24:40] = 1
    photo[matte == 1] = (1.0, 0.0, 0.0)
    lens = Lens(8, 1.0, **NO_GLOW)
    bokeh = render_without_occlusion(photo, matte, np.zeros((64, 64), np.float32), lens)
    assert bokeh[22, 32, 0] > 0.4
    np.testing.assert_allclose(bokeh[matte == 1], photo[matte == 1], atol=1e-4)


def test_known_lights_shine_as_brightly_without_occlusion_as_with_it():
    """Else the ablation would compare two things at once."""
    photo, nothing = np.full((81, 81, 3), 0.05, np.float32), np.zeros((81, 81), np.float32)
    lights = np.zeros_like(photo)
    lights[40, 40] = 100.0
    lens = Lens(aperture_px=8, focus=1.0, **NO_GLOW)
    handled, ignored = (
        render(photo, nothing, nothing, lens, lights=lights)
        for render in (render_shallow_depth_of_field, render_without_occlusion)
    )
    assert handled[40, 44].mean() > 0.5
    np.testing.assert_allclose(ignored, handled, atol=1e-3)


def test_a_blurred_foreground_bleeds_over_the_sharp_subject():
    photo = np.full((64, 64, 3), 0.2, np.float32)
    photo[32:] = 0.9
    matte, disparity = np.zeros((64, 64), np.float32), np.full((64, 64), 0.3, np.float32)
    matte[8:32, 16:48] = 1
    disparity[32:] = 1.0
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(12, 0.3, **NO_GLOW))
    assert bokeh[30, 32].mean() > 0.35
    assert bokeh[12, 32].mean() == pytest.approx(0.2, abs=0.01)


def test_a_far_light_becomes_a_disc_of_the_radius_of_confusion():
    photo = np.full((81, 81, 3), 0.05, np.float32)
    photo[39:42, 39:42] = 1.0
    lens = Lens(aperture_px=10, focus=1.0, depth_of_field=0.0, highlight_gain=30)
    disparity = np.zeros((81, 81), np.float32)
    bokeh = render_shallow_depth_of_field(photo, np.zeros_like(disparity), disparity, lens)
    lit = bokeh.mean(axis=2) > 0.5 * bokeh.max()
    assert np.sqrt(lit.sum() / np.pi) == pytest.approx(10, abs=1.6)
    assert lit[40, 40]


def test_hidden_pixels_take_the_colour_around_them():
    image = np.zeros((32, 32, 2), np.float32)
    image[..., 0] = 0.25
    hidden = np.zeros((32, 32), bool)
    hidden[8:24, 8:24] = True
    image[hidden] = 9.0
    np.testing.assert_allclose(fill_hidden(image, hidden)[..., 0], 0.25, atol=1e-5)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"matte \(4, 5\)"):
        render_shallow_depth_of_field(
            np.zeros((4, 4, 3), np.float32), np.zeros((4, 5), np.float32), np.zeros((4, 4), np.float32), Lens(1, 0.5)
        )


def test_a_lens_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="aperture_px"):
        Lens(aperture_px=-1, focus=0.5)


def _textures(rng, *, cell: int = 4) -> np.ndarray:
    """Soft random colours, [64, 96, 3] in [0.1, 0.7]: a texture that a filled-in region can be like."""
    coarse = rng.uniform(0.1, 0.7, (64 // cell, 96 // cell, 3)).astype(np.float32)
    return cv2.resize(coarse, (96, 64), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _box(rows: slice, columns: slice) -> np.ndarray:
    opacity = np.zeros((64, 96), np.float32)
    opacity[rows, columns] = 1
    return opacity


EVERYWHERE = np.ones((64, 96), np.float32)


def _psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def test_two_planes_look_as_the_ray_tracer_sees_them(rng):
    """A sharp subject before a textured, blurred background."""
    subject = Plane(_textures(rng), _box(np.s_[16:52], np.s_[30:62]), 0.8)
    background = Plane(_textures(rng), EVERYWHERE, 0.2)
    light, disparity = pinhole([subject, background])
    lens = Lens(aperture_px=8, focus=0.8, **NO_GLOW)
    rendered = srgb_to_linear(
        render_shallow_depth_of_field(linear_to_srgb(light), subject.opacity, disparity, lens, layers=12)
    )
    traced = trace([subject, background], aperture_px=8, focus=0.8, rays=800, rng=rng)
    assert _psnr_db(rendered, traced) > 36
    assert _psnr_db(light, traced) < 30


def test_a_blurred_foreground_looks_as_the_ray_tracer_sees_it(rng):
    """Three planes: something close at the rim, the subject in focus, a background."""
    close = Plane(_textures(rng), _box(np.s_[40:64], np.s_[0:40]), 1.0)
    subject = Plane(_textures(rng), _box(np.s_[10:50], np.s_[34:66]), 0.6)
    background = Plane(_textures(rng, cell=16), EVERYWHERE, 0.1)
    light, disparity = pinhole([close, subject, background])
    matte = subject.opacity * (1 - close.opacity)
    lens = Lens(aperture_px=10, focus=0.6, **NO_GLOW)
    rendered = srgb_to_linear(render_shallow_depth_of_field(linear_to_srgb(light), matte, disparity, lens, layers=12))
    traced = trace([close, subject, background], aperture_px=10, focus=0.6, rays=800, rng=rng)
    assert _psnr_db(rendered, traced) > 36
    assert _psnr_db(light, traced) < 30


def test_two_blurred_foregrounds_look_as_the_ray_tracer_sees_them(rng):
    """Four planes; where the rims of the nearest two overlap the renderer is a little too opaque."""
    nearest = Plane(_textures(rng), _box(np.s_[40:64], np.s_[0:30]), 1.0)
    near = Plane(_textures(rng), _box(np.s_[36:64], np.s_[20:50]), 0.85)
    subject = Plane(_textures(rng), _box(np.s_[10:50], np.s_[44:76]), 0.6)
    background = Plane(_textures(rng, cell=16), EVERYWHERE, 0.1)
    planes = [nearest, near, subject, background]
    light, disparity = pinhole(planes)
    matte = subject.opacity * (1 - nearest.opacity) * (1 - near.opacity)
    lens = Lens(aperture_px=10, focus=0.6, **NO_GLOW)
    rendered = srgb_to_linear(render_shallow_depth_of_field(linear_to_srgb(light), matte, disparity, lens, layers=12))
    traced = trace(planes, aperture_px=10, focus=0.6, rays=800, rng=rng)
    assert _psnr_db(rendered, traced) > 36
    assert _psnr_db(light, traced) < 30


def test_a_foreground_that_slopes_looks_as_the_ray_tracer_sees_it(rng):
    """Ground that comes nearer from column to column, as strips, before a bright background."""
    texture = _textures(rng) * 0.3
    columns = np.linspace(0, texture.shape[1], 33).astype(int)
    strips = [
        Plane(texture, _box(np.s_[30:64], np.s_[left:right]), disparity)
        for left, right, disparity in zip(columns[:-1], columns[1:], np.linspace(0.5, 1.0, 32), strict=True)
    ]
    planes = [*reversed(strips), Plane(np.full_like(texture, 0.9), EVERYWHERE, 0.5)]
    light, disparity = pinhole(planes)
    lens = Lens(aperture_px=10, focus=0.5, **NO_GLOW)
    nothing = np.zeros_like(disparity)
    rendered = srgb_to_linear(render_shallow_depth_of_field(linear_to_srgb(light), nothing, disparity, lens, layers=6))
    traced = trace(planes, aperture_px=10, focus=0.5, rays=400, rng=rng)
    assert _psnr_db(rendered, traced) > 29
    assert _psnr_db(light, traced) < 25


@pytest.mark.parametrize("aperture", [Aperture(), Aperture(blades=5, rotation_deg=20), Aperture(blades=6)])
def test_an_aperture_spreads_light_where_rays_through_it_land(aperture, rng):
    kernel = aperture_kernel(7.0, aperture)
    landed = scatter(aperture, radius_px=7.0, rays=200_000, rng=rng, side=len(kernel))
    assert np.abs(kernel - landed).sum() < 0.08


def test_a_regular_polygon_covers_its_closed_form_area():
    """Area n/2 r^2 sin(2 pi / n)."""
    kernel = aperture_kernel(12.0, Aperture(blades=6, rotation_deg=10))
    assert 1 / kernel.max() == pytest.approx(6 / 2 * 12**2 * np.sin(2 * np.pi / 6), rel=0.04)


def test_a_cats_eye_is_the_lens_shaped_overlap_of_two_discs():
    """Overlap of two unit discs at distance d: 2 acos(d/2) - d/2 sqrt(4 - d^2)."""
    kernel = aperture_kernel(15.0, Aperture(cat_eye=0.8), position=(1.0, 0.0))
    overlap = 2 * np.arccos(0.4) - 0.4 * np.sqrt(4 - 0.64)
    assert 1 / kernel.max() == pytest.approx(overlap * 15**2, rel=0.05)
    centre = aperture_kernel(15.0, Aperture(cat_eye=0.8), position=(0.0, 0.0))
    np.testing.assert_array_equal(centre, aperture_kernel(15.0, Aperture()))


def test_cats_eyes_keep_a_flat_field_flat_and_point_to_the_centre():
    photo = np.full((64, 96, 3), 0.05, np.float32)
    lens = Lens(8, 1.0, aperture=Aperture(cat_eye=1.2), **NO_GLOW)
    nothing = np.zeros((64, 96), np.float32)
    np.testing.assert_allclose(render_shallow_depth_of_field(photo, nothing, nothing, lens), photo, atol=2e-3)
    lights = np.zeros_like(photo)
    lights[32, 84] = 40.0
    bokeh = render_shallow_depth_of_field(photo, nothing, nothing, lens, lights=lights).mean(axis=2)
    lit = np.argwhere(bokeh > 0.5 * bokeh.max())
    height, width = np.ptp(lit, axis=0) + 1
    assert width < 0.85 * height


def test_a_kernel_that_is_not_symmetric_is_not_turned_upside_down():
    photo, nothing = np.zeros((41, 41, 3), np.float32), np.zeros((41, 41), np.float32)
    lights = np.zeros_like(photo)
    lights[20, 20] = 100.0
    aperture = Aperture(blades=3, rotation_deg=90)
    bokeh = render_shallow_depth_of_field(
        photo, nothing, nothing, Lens(10, 1.0, aperture=aperture, **NO_GLOW), lights=lights
    )
    spread = srgb_to_linear(bokeh[..., 0])
    kernel = aperture_kernel(10.0, aperture)
    np.testing.assert_array_equal(spread[10:31, 10:31] > 0.3 * spread.max(), kernel > 0.3 * kernel.max())


def test_light_that_the_sensor_cut_off_can_be_given():
    photo, nothing = np.full((41, 41, 3), 0.02, np.float32), np.zeros((41, 41), np.float32)
    lights = np.zeros_like(photo)
    lights[20, 20] = (60.0, 20.0, 4.0)
    disc = srgb_to_linear(
        render_shallow_depth_of_field(photo, nothing, nothing, Lens(6, 1.0, **NO_GLOW), lights=lights)
    )
    area = np.pi * 6**2
    np.testing.assert_allclose(disc[20, 20] * area, lights[20, 20], rtol=0.08)


def test_apertures_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at least 3 blades"):
        Aperture(blades=2)


def test_a_surface_that_slopes_towards_the_lens_stays_whole():
    """No light of what lies behind shines through the middle of a blurred foreground."""
    height, width = 96, 144
    photo = np.full((height, width, 3), 0.9, np.float32)
    photo[:, 30:] = 0.1
    disparity = np.zeros((height, width), np.float32)
    disparity[:, 30:] = np.linspace(0.3, 1.0, width - 30)
    lens = Lens(aperture_px=12.0, focus=0.3)
    picture = render_shallow_depth_of_field(photo, np.zeros((height, width), np.float32), disparity, lens, layers=6)
    np.testing.assert_allclose(picture[:, 60:], 0.1, atol=1 / 255)
