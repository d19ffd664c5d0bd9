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


@pytest.mark.parametrize("in_situ_share", [0.0, 1.0])
def test_the_subject_stays_sharp_and_the_background_does_not(corpus, in_situ_share):
    maker = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(in_situ_share, blur_radius=(0.04, 0.05)), seed=3)
    for index in range(4):
        pair = maker.make(index, height=64, width=96)
        change = np.abs(pair.bokeh - pair.photo).mean(axis=2)
        assert change[pair.matte == 1].mean() < 0.02
        assert change[pair.matte == 0].mean() > 2 * change[pair.matte == 1].mean()


def test_batches_are_in_the_networks_range_and_share_an_orientation(maker):
    photos, bokeh, masks = maker.make_batch(0, size=3, height=48, width=72)
    assert photos.shape == bokeh.shape
    assert masks.shape == (*photos.shape[:3], 1)
    assert masks.all()
    assert photos.shape[1:3] in ((48, 72), (72, 48))
    assert -1 <= photos.min() < -0.5
    assert 0.5 < photos.max() <= 1


def test_the_pipeline_starts_at_any_batch(maker):
    def make(index):
        return maker.make_batch(index, size=2, height=32, width=48)

    streamed = [photos.numpy() for photos, _, _ in batches(make, start=2, stop=4)]
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
    (tmp_path / "manifest.csv").write_text("name,licence\na,CC0\n")
    with pytest.raises(ValueError, match="subject_fraction"):
        read_manifest(tmp_path)


def test_a_split_without_subjects_is_refused(corpus):
    plates = [entry for entry in read_manifest(corpus) if entry.subject_fraction == 0]
    with pytest.raises(ValueError, match="0 photos have a subject"):
        PairMaker(corpus, plates, recipe=PairRecipe(), seed=0)
