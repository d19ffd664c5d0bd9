import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bggan_core.data.corpus import is_held_out, load_scene, read_manifest
from bggan_core.data.pipeline import batches
from bggan_core.data.synthetic import PairMaker, PairRecipe, focus_on_subject


@pytest.fixture
def maker(corpus):
    return PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(), seed=1)


def test_the_nth_pair_is_the_same_in_every_run(corpus, maker):
    again = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(), seed=1)
    for index in (0, 5):
        first, second = maker.make(index, height=48, width=72), again.make(index, height=48, width=72)
        np.testing.assert_array_equal(first.photo, second.photo)
        np.testing.assert_array_equal(first.bokeh, second.bokeh)


def test_another_seed_gives_other_pairs(corpus, maker):
    other = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(), seed=2)
    assert np.abs(maker.make(0, height=48, width=72).photo - other.make(0, height=48, width=72).photo).max() > 0.1


PLAIN = PairRecipe(bystander_share=0, foreground_share=0, night_share=0, camera_share=0, blur_radius=(0.04, 0.05))
SHARES_OF_KIND = {"in_situ": (1.0, 0.0), "near_plane": (0.0, 1.0), "cut_out": (0.0, 0.0)}


def _only(kind: str, recipe: PairRecipe = PLAIN) -> PairRecipe:
    in_situ, near_plane = SHARES_OF_KIND[kind]
    return replace(recipe, in_situ_share=in_situ, near_plane_share=near_plane)


@pytest.mark.parametrize("kind", SHARES_OF_KIND)
def test_the_subject_stays_sharp_and_the_background_does_not(corpus, kind):
    maker = PairMaker(corpus, read_manifest(corpus), recipe=_only(kind), seed=3)
    for index in range(4):
        pair = maker.make(index, height=64, width=96)
        change = np.abs(pair.bokeh - pair.photo).mean(axis=2)
        inside = cv2.erode(pair.matte, np.ones((5, 5), np.uint8)) == 1
        assert change[inside].mean() < 0.03
        assert change[pair.radius_px > 1].mean() > 2 * change[inside].mean()


def test_something_in_front_hides_part_of_the_subject_and_is_blurred(corpus):
    recipe = replace(_only("in_situ"), foreground_share=1.0)
    pairs = [
        PairMaker(corpus, read_manifest(corpus), recipe=recipe, seed=4).make(i, height=64, width=96) for i in range(6)
    ]
    in_front = [(pair.radius_px < -1).mean() for pair in pairs]
    assert max(in_front) > 0.03
    nearest = pairs[int(np.argmax(in_front))]
    change = np.abs(nearest.bokeh - nearest.photo).mean(axis=2)
    assert change[nearest.radius_px < -1].mean() > 2 * change[nearest.matte == 1].mean()


def test_lamps_at_night_become_discs_as_bright_as_their_light(corpus):
    recipe = replace(_only("in_situ"), night_share=1.0, blur_radius=(0.06, 0.06))
    pair = PairMaker(corpus, read_manifest(corpus), recipe=recipe, seed=5).make(0, height=96, width=144)
    assert np.median(pair.photo) < 0.4
    clipped = (pair.photo.min(axis=2) > 0.95).sum()
    bright = (pair.bokeh.max(axis=2) > 0.7).sum()
    assert 0 < clipped < bright / 4


def test_noise_and_jpeg_come_after_the_lens_in_both_pictures(corpus):
    entries = read_manifest(corpus)
    plain, camera = (
        PairMaker(corpus, entries, recipe=replace(_only("in_situ"), camera_share=share), seed=6).make(
            0, height=64, width=96
        )
        for share in (0.0, 1.0)
    )
    for clean, developed in ((plain.photo, camera.photo), (plain.bokeh, camera.bokeh)):
        assert 0 < np.abs(clean - developed).mean() < 0.05


def test_a_photo_with_a_blurred_background_is_no_plate(corpus, tmp_path):
    shutil.copytree(corpus, tmp_path / "corpus")
    blurred = cv2.resize(np.random.default_rng(1).integers(0, 256, (6, 9, 3)).astype(np.uint8), (144, 96))
    entries = read_manifest(corpus)
    for entry in entries[1:]:
        cv2.imwrite(str(tmp_path / "corpus" / "photos" / f"{entry.name}.jpg"), blurred)
    maker = PairMaker(tmp_path / "corpus", entries, recipe=_only("cut_out"), seed=3)
    for index in range(6):
        pair = maker.make(index, height=64, width=96)
        # Random greys differ from one pixel to the next, in the one plate that still has them.
        assert np.abs(np.diff(pair.photo, axis=1))[pair.matte[:, 1:] == 0].mean() > 0.06


def test_a_recipe_may_pass_over_scenes_with_much_before_the_subject(corpus):
    """What a recipe puts in front itself is not counted."""

    def nearer(recipe, *, count=8):
        maker = PairMaker(corpus, read_manifest(corpus), recipe=recipe, seed=4)
        pairs = [maker.make(i, height=64, width=96) for i in range(count)]
        return [float((pair.radius_px < -1).mean()) for pair in pairs]

    recipe = _only("cut_out", replace(PLAIN, nearer_share=0.02))
    assert max(nearer(recipe)) <= 0.02 < max(nearer(replace(recipe, nearer_share=1.0)))
    assert max(nearer(replace(recipe, foreground_share=1.0))) > 0.02


def test_a_recipe_may_pass_over_cut_outs_beside_rivals(corpus, tmp_path):
    """Photos whose subject takes their left half from top to bottom, which no cut-out covers."""
    shutil.copytree(corpus, tmp_path / "corpus")
    entries = read_manifest(corpus)
    half = np.zeros((96, 144), np.uint8)
    half[:, :72] = 255
    for entry in entries:
        cv2.imwrite(str(tmp_path / "corpus" / "mattes" / f"{entry.name}.jpg"), half)

    def make(rival_share):
        recipe = _only("cut_out", replace(PLAIN, rival_share=rival_share))
        return PairMaker(tmp_path / "corpus", entries, recipe=recipe, seed=3).make(0, height=64, width=96)

    make(1.0)
    with pytest.raises(ValueError, match="in plain focus"):
        make(0.0)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [("near_plane", {"near_plane_takes_subject": True}), ("in_situ", {"off_plane_share": 0.0})],
)
def test_a_recipe_may_pass_over_scenes_whose_focus_is_not_plain(corpus, tmp_path, kind, setting):
    """The corpus' subjects, moved to the back, or with one half behind the other."""
    shutil.copytree(corpus, tmp_path / "corpus")
    entries = [entry for entry in read_manifest(corpus) if entry.subject_fraction > 0]
    for entry in entries:
        scene = load_scene(corpus, entry.name)
        height, width = scene.matte.shape
        depth = np.tile(np.linspace(0.0, 1.0, height)[:, None], (1, width))
        subject = scene.matte > 0.5
        depth[subject] = 0.3
        if kind == "in_situ":
            left = np.arange(width)[None] < np.median(np.where(subject)[1])
            depth[subject & left] = 0.6
        path = tmp_path / "corpus" / "depth" / f"{entry.name}.jpg"
        cv2.imwrite(str(path), np.rint(depth * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 100])

    def make(recipe):
        return PairMaker(tmp_path / "corpus", entries, recipe=recipe, seed=3).make(0, height=64, width=96)

    make(_only(kind))
    with pytest.raises(ValueError, match="in plain focus"):
        make(replace(_only(kind), **setting))


@pytest.mark.parametrize("share", ["nearer_share", "off_plane_share", "rival_share"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_shares_are_shares(share, value):
    with pytest.raises(ValueError, match=f"{share} must be at least 0 and at most 1"):
        PairRecipe(**{share: value})


@pytest.mark.parametrize(("side_px", "factor"), [(144, 2.0), (72, 1.0), (48, 1.0), (0, 1.0)])
def test_discs_on_small_pictures_can_span_as_many_pixels_as_on_large_ones(corpus, side_px, factor):
    at_its_own_size = _only("in_situ", replace(PLAIN, blur_radius=(0.05, 0.05)))
    own, taken = (
        PairMaker(corpus, read_manifest(corpus), recipe=replace(at_its_own_size, blur_side_px=side), seed=3)
        .make(0, height=48, width=72)
        .radius_px
        for side in (0, side_px)
    )
    np.testing.assert_allclose(taken, factor * own, rtol=1e-5)


def test_a_negative_side_is_refused():
    with pytest.raises(ValueError, match="blur_side_px"):
        PairRecipe(blur_side_px=-1)


def test_a_recipe_with_more_than_everything_is_refused():
    with pytest.raises(ValueError, match="at most 1 together"):
        PairRecipe(in_situ_share=0.9, near_plane_share=0.2)


def test_batches_are_in_the_networks_range_and_share_an_orientation(maker):
    photos, bokeh, masks, defocus = maker.make_batch(0, size=3, height=48, width=72)
    assert photos.shape == bokeh.shape
    assert masks.shape == (*photos.shape[:3], 1)
    assert masks.all()
    assert photos.shape[1:3] in ((48, 72), (72, 48))
    assert -1 <= photos.min() < -0.5
    assert 0.5 < photos.max() <= 1
    assert defocus.shape == masks.shape
    assert np.abs(defocus).max(axis=(1, 2)) == pytest.approx(1)
    assert np.abs(defocus).min() == 0


def test_the_pipeline_starts_at_any_batch(maker):
    def make(index):
        return maker.make_batch(index, size=2, height=32, width=48)

    streamed = [photos.numpy() for photos, *_ in batches(make, start=2, stop=4)]
    assert len(streamed) == 2
    np.testing.assert_array_equal(streamed[0], make(2)[0])


def test_focus_lies_on_the_subject(corpus):
    scene = load_scene(corpus, "generated_001")
    lens = focus_on_subject(scene, radius_px=5)
    assert lens.focus == pytest.approx(180 / 255, abs=0.03)


def test_the_split_is_fixed_by_name():
    """About a tenth, and the same for ever: by sha256sum these names' digests begin with less than 0x1999 (10 %)."""
    names = [f"photo_{i}" for i in range(1000, 6000)]
    assert 0.08 < sum(map(is_held_out, names)) / len(names) < 0.12
    assert [name for name in names[:40] if is_held_out(name)] == [
        "photo_1000",
        "photo_1011",
        "photo_1013",
        "photo_1017",
        "photo_1023",
        "photo_1027",
    ]


def test_photos_of_one_series_stay_on_one_side():
    assert {is_held_out(f"cup_{number:02d}") for number in range(30)} == {is_held_out("cup")}


def test_a_folder_that_is_no_corpus_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"manifest\.csv"):
        read_manifest(tmp_path)
    columns = "name,licence,attribution,source_repo,source_path,subject_fraction"
    faulty = {"name,licence\na,CC0\n": "row 1", f"{columns}\na,CC0,me,here,a.jpg,0.1\nb,CC0\n": r"row 2 \(b\)"}
    for text, place in faulty.items():
        (tmp_path / "manifest.csv").write_text(text)
        with pytest.raises(ValueError, match=rf"{place}.*subject_fraction"):
            read_manifest(tmp_path)


def test_a_split_without_subjects_is_refused(corpus):
    plates = [entry for entry in read_manifest(corpus) if entry.subject_fraction == 0]
    with pytest.raises(ValueError, match="0 photos have a subject"):
        PairMaker(corpus, plates, recipe=PairRecipe(), seed=0)
