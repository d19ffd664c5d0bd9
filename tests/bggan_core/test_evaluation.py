import csv
import math

import cv2
import numpy as np
import pytest

from bggan_core import perceptual
from bggan_core.data.corpus import read_manifest
from bggan_core.data.pairs import Pair, everything_counts
from bggan_core.data.photo_pairs import PhotoPair
from bggan_core.data.synthetic import PairMaker, PairRecipe
from bggan_core.data.variety import Variety
from bggan_core.evaluation import (
    GAUSSIAN,
    ORACLE,
    PROTOCOLS,
    TRUTH,
    UNPROCESSED,
    Score,
    bootstrap_gap_closed,
    bootstrap_mean,
    evaluate,
    gap_closed,
    global_gaussian,
    open_held_out_pairs,
    photographed_set,
    record_csv,
    refuse_trained_on,
    summarise,
    synthetic_set,
    table_1,
    to_markdown,
    trained_photos,
    write_report,
)
from bggan_core.evaluation.methods import fit_gaussian_share, fit_oracle_share, matte_oracle
from bggan_core.evaluation.perceptual_distance import PerceptualDistance
from bggan_core.focus import RadiusJudge, fitted_psnr_gain, matte_detail_kept
from bggan_core.perceptual import PerceptualWeightsError
from scripts.make_ebb_sample import generate_scene


def _pair(seed=0, *, size=(96, 144), share=0.01):
    """A scene whose truth is the oracle's own rendering: all but the subject under one disc."""
    photo, matte, _ = generate_scene(*size, seed=seed)
    pair = Pair(photo, photo, everything_counts(photo), matte=matte, name=f"scene/{seed}")
    return Pair(photo, matte_oracle(share)(pair), pair.mask, matte=matte, name=pair.name)


def test_the_bootstrap_interval_has_the_width_of_the_normal_one(rng):
    """For many values of known spread: 1.96 standard errors on each side."""
    values = rng.normal(5.0, 2.0, 400)
    estimate = bootstrap_mean(values, seed=0)
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.15)
    assert bootstrap_mean(values, seed=0) == estimate


def test_an_infinite_score_has_no_mean():
    with pytest.raises(ValueError, match="equals its ground truth"):
        bootstrap_mean([20.0, math.inf], seed=0)


def test_the_gap_closed_is_the_ratio_of_mean_differences(rng):
    start = rng.uniform(0.8, 1.0, 50)
    estimate = bootstrap_gap_closed(start, start - 0.3, start - 0.4, seed=0)
    assert estimate.mean == pytest.approx(0.75)
    assert (estimate.low, estimate.high) == pytest.approx((0.75, 0.75))


def test_the_fitted_gaussian_is_the_one_that_made_the_truth():
    share = 2.0**-7
    pairs = [
        Pair(pair.photo, global_gaussian(pair.photo, share), pair.mask) for pair in (_pair(seed) for seed in range(2))
    ]
    assert fit_gaussian_share(pairs) == share


def test_the_fitted_oracle_is_the_one_that_made_the_truth():
    assert fit_oracle_share([_pair(seed, share=2.0**-6) for seed in range(2)]) == 2.0**-6


def test_the_oracle_needs_a_matte():
    pair = _pair()
    with pytest.raises(ValueError, match="needs the subject's matte"):
        matte_oracle(0.01)(Pair(pair.photo, pair.bokeh, pair.mask))


def test_scores_are_those_of_the_measures(corpus):
    recipe = PairRecipe(in_situ_share=1.0, near_plane_share=0.0, blur_radius=(0.03, 0.03))
    pair = PairMaker(corpus, read_manifest(corpus), recipe=recipe, seed=3).make(0, height=96, width=144)
    blurred = cv2.GaussianBlur(pair.photo, (0, 0), 1.0)
    (score,) = evaluate({"blurred": lambda _pair: blurred}, [pair])
    assert score.values["fitted_gain_db"] == fitted_psnr_gain(blurred, pair.photo, pair.bokeh, pair.mask)
    judge = RadiusJudge(pair.photo, pair.matte, pair.radius_px)
    assert score.values["radius_correlation"] == judge.rank_correlation(blurred) != 0
    assert score.values["matte_detail"] == matte_detail_kept(blurred, pair.photo, pair.matte)


def test_methods_are_scored_on_the_same_pairs_and_averaged():
    methods = {UNPROCESSED: lambda pair: pair.photo, TRUTH: lambda pair: pair.bokeh}
    scores = list(evaluate(methods, [_pair(seed) for seed in range(3)]))
    assert [score.pair for score in scores[::2]] == ["scene/0", "scene/1", "scene/2"]
    own, truth = summarise(scores)
    assert own.estimates["psnr_db"].mean == pytest.approx(np.mean([s.values["psnr_db"] for s in scores[::2]]))
    assert own.estimates["fitted_gain_db"].mean == 0
    assert own.estimates["focus_auc"].mean == 0.5
    assert truth.estimates["focus_auc"].mean > 0.99
    assert truth.estimates["matte_detail"].mean > 0.97
    assert "psnr_db" not in truth.estimates
    assert own.images == 3


def test_no_pair_is_an_error():
    with pytest.raises(ValueError, match="no pair"):
        summarise(list(evaluate({UNPROCESSED: lambda pair: pair.photo}, [])))


def test_a_measure_that_few_pictures_allow_says_so():
    scores = [Score(str(i), "X", {"psnr_db": 20.0, "focus_auc": value}) for i, value in enumerate([0.7, math.nan])]
    assert "| 0.700 [0.700, 0.700] (n = 1) | 2 |" in to_markdown(summarise(scores), protocol="p")


def test_every_score_is_in_the_csv(tmp_path):
    scores = [Score("a", "X", {"psnr_db": 20.25, "focus_auc": math.nan}), Score("b", "X", {"psnr_db": 21.5})]
    assert record_csv(iter(scores), tmp_path / "scores.csv") == scores
    with (tmp_path / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["pair"], row["psnr_db"], row["focus_auc"]) for row in rows] == [("a", "20.25", ""), ("b", "21.5", "")]


def test_the_papers_table_stands_beside_ours_and_is_marked():
    table = table_1(summarise([Score("a", "Glass-Net", {"psnr_db": 25.0, "ssim": 0.9})]), protocol="p")
    assert "| Glass-Net | 25.00 [25.00, 25.00] | 0.9000 [0.9000, 0.9000] | - | here |" in table
    assert "| BGGAN | 23.58 | 0.8770 | 4.2 | the paper's, on EBB! |" in table
    assert table.count("the paper's, on EBB!") == 10


@pytest.mark.parametrize(
    ("protocol", "shape", "counted"),
    [("native", (96, 144), 96 * 144), ("small", (256, 384), 256 * 384), ("cropped", (96, 144), 32 * 80)],
)
def test_protocols_bring_pairs_to_their_size(protocol, shape, counted):
    photo, *_ = generate_scene(96, 144, seed=0)
    prepared = PROTOCOLS[protocol].prepare(Pair(photo, photo, everything_counts(photo)))
    assert prepared.mask.shape == shape
    assert prepared.mask.sum() == counted


def test_portraits_are_scaled_upright():
    photo, *_ = generate_scene(150, 100, seed=0)
    assert PROTOCOLS["small"].prepare(Pair(photo, photo, everything_counts(photo))).photo.shape == (384, 256, 3)


def _write_photographs(folder, *, count):
    files = []
    for number in range(count):
        pair = _pair(number)
        for part, picture in (("original", pair.photo), ("bokeh", pair.bokeh)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / part / f"{number}.png"), np.rint(picture[..., ::-1] * 255).astype(np.uint8))
        files.append(PhotoPair(str(number), *(folder / part / f"{number}.png" for part in ("original", "bokeh"))))
    return files


def test_photographs_have_no_oracle_and_the_gaussian_says_whether_it_is_fitted(tmp_path):
    files = _write_photographs(tmp_path, count=3)
    alone, fitted = (photographed_set(files[:1], PROTOCOLS["native"], fit_on=others) for others in ([], files[1:]))
    assert list(alone.methods({"N": lambda pair: pair.photo})) == [UNPROCESSED, GAUSSIAN, "N", TRUTH]
    assert "not fitted" in alone.notes[0]
    assert "fitted by PSNR on 2 other pairs" in fitted.notes[0]
    report = write_report(list(evaluate(alone.methods({}), alone.pairs)), alone, distance=None)
    assert "1 photographed pairs (0 to 0), (a) full frame at native size, wedges masked" in report
    assert "No perceptual distance" in report


def test_a_synthetic_set_has_an_oracle_and_no_photo_trained_on(corpus, monkeypatch):
    monkeypatch.setattr("bggan_core.data.corpus.is_held_out", lambda name: name < "generated_008")
    monkeypatch.setattr("bggan_core.evaluation.sets.is_held_out", lambda name: name < "generated_008")
    trained = {f"generated_{number:03d}" for number in range(4)}
    drawn = synthetic_set(corpus, trained, recipe=PairRecipe(), seed=1, count=2, height=48, width=72)
    assert "2 synthetic pairs of 4 photos never trained on (seed 1), 48x72" in drawn.protocol
    assert ORACLE in drawn.methods({})
    assert [pair.name for pair in drawn.pairs] == ["synthetic/0", "synthetic/1"]


def test_networks_are_scored_without_variety(corpus, monkeypatch):
    monkeypatch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
    monkeypatch.setattr("bggan_core.evaluation.sets.is_held_out", lambda name: name < "generated_004")
    varied = PairRecipe(variety=Variety(closest_window=0.5, tilt_deg=20.0, saturation=(0.0, 0.1)))
    plain, other = (
        synthetic_set(corpus, (), recipe=recipe, seed=1, count=2, height=48, width=72)
        for recipe in (PairRecipe(), varied)
    )
    assert (other.notes, other.gaussian_share) == (plain.notes, plain.gaussian_share)
    for drawn, expected in zip(other.pairs, plain.pairs, strict=True):
        np.testing.assert_array_equal(drawn.photo, expected.photo)
    drawn, expected = (
        open_held_out_pairs(corpus, (), recipe=recipe, seed=1).make(0, height=48, width=72)
        for recipe in (varied, PairRecipe())
    )
    np.testing.assert_array_equal(drawn.bokeh, expected.bokeh)


def test_the_photos_trained_on_are_read_from_weights_and_from_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match="unknown"):
        trained_photos(tmp_path)
    (tmp_path / "photos.txt").write_text("ebb/1\nebb/2\n")
    assert trained_photos(tmp_path) == {"ebb/1", "ebb/2"}
    (tmp_path / "training-photos.csv").write_text("name,licence\nrose,CC0\n")
    assert trained_photos(tmp_path) == {"rose"}


@pytest.mark.parametrize("name", ["ebb/4400", "4400"])
def test_a_network_is_not_scored_on_what_it_learned_from(name):
    """Neither in EBB!'s layout nor when its numbered pictures lie in a plain folder."""
    with pytest.raises(ValueError, match=r"weights was trained on 1 of these pairs, as .*4400"):
        refuse_trained_on(["ebb/1", name], {"ebb/4400"}, network="weights")
    refuse_trained_on(["ebb/1", "ebb-test/4400"], {"ebb/4400"}, network="weights")


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """VGG16 with eight channels and random weights, in the file's layout."""
    rng, channels = np.random.default_rng(0), 8
    tensors, inputs = {}, 3
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, count + 1):
            tensors[f"conv{block}_{number}_w"] = rng.normal(0, (2 / (9 * inputs)) ** 0.5, (channels, inputs, 3, 3))
            tensors[f"conv{block}_{number}_b"] = np.zeros(channels)
            inputs = channels
    path = tmp_path_factory.mktemp("vgg") / "vgg16.npz"
    np.savez(path, **tensors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptual, "BLOCK_CHANNELS", (channels,) * 5)
        yield PerceptualDistance("vgg16-hed", path)


def test_the_perceptual_distance_is_named_and_grows_with_blur(vgg):
    assert vgg.name == "VGG16-HED relu4_3+relu5_3 distance"
    pair = _pair(size=(64, 96))
    truth = vgg.features(pair.photo, pair.mask)
    values = [vgg(cv2.GaussianBlur(pair.photo, (0, 0), sigma), pair.mask, truth) for sigma in (0.5, 1, 2)]
    assert vgg(pair.photo, pair.mask, truth) == 0
    assert 0 < values[0] < values[1] < values[2]


def test_masked_pixels_have_no_say_in_the_perceptual_distance(vgg):
    pair = _pair(size=(64, 96))
    mask = pair.mask.copy()
    mask[:, :20] = 0
    spoilt = pair.photo.copy()
    spoilt[:, :20] = 0
    assert vgg(spoilt, mask, vgg.features(pair.photo, mask)) == 0


def test_without_weights_the_distance_says_what_to_do(tmp_path):
    with pytest.raises(PerceptualWeightsError, match="no file"):
        PerceptualDistance("vgg16-hed", tmp_path / "missing.npz")


def test_the_gap_closed_is_reported_with_the_distances_name(vgg):
    """The oracle made this truth, so it closes all of the gap and a weaker disc part of it."""
    methods = {UNPROCESSED: lambda pair: pair.photo, "N": matte_oracle(0.007), ORACLE: matte_oracle(0.01)}
    scores = list(evaluate(methods, [_pair(seed, size=(64, 96)) for seed in range(2)], distance=vgg))
    closed = gap_closed(scores, "N")
    assert 0.3 < closed.mean < 1
    assert gap_closed([score for score in scores if score.method != ORACLE], "N") is None


def test_on_a_corpus_the_oracle_is_nearer_than_the_photo(corpus):
    maker = PairMaker(corpus, read_manifest(corpus), recipe=PairRecipe(blur_radius=(0.02, 0.02)), seed=2)
    pairs = [maker.make(index, height=48, width=72) for index in range(3)]
    oracle = matte_oracle(fit_oracle_share(pairs[:1]))
    own, guided = summarise(list(evaluate({UNPROCESSED: lambda pair: pair.photo, ORACLE: oracle}, pairs)))
    assert guided.estimates["psnr_db"].mean > own.estimates["psnr_db"].mean
