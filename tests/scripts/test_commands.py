import csv
import json
import shutil
import time

import cv2
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from bggan_core import configs
from bggan_core.checkpoints import load_trained
from bggan_core.configs import CONFIGS, Phase, TrainingConfig
from bggan_core.data.synthetic import PairRecipe
from bggan_core.data.variety import Variety
from bggan_core.evaluation import GAUSSIAN, ORACLE, TRUTH, UNPROCESSED, trained_photos
from bggan_core.published import load_published
from bggan_core.rendering import Renderer
from scripts import (
    benchmark,
    evaluate,
    export_model,
    make_ebb_sample,
    make_example_study,
    make_pairs,
    picture_sheets,
    render,
    train,
)
from scripts.benchmark_votes import report_votes
from scripts.study_tables import picture_metrics
from tests.bggan_core.networks import TINY

VARIED = PairRecipe(variety=Variety(tilt_deg=5.0))


@pytest.fixture(scope="module")
def published(corpus, tmp_path_factory):
    """A run of six steps, started from another of four, and its published folder."""
    folder = tmp_path_factory.mktemp("published")
    config = {"network": TINY, "checkpoint_steps": 2, "image_steps": 10}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(configs.CONFIGS, "first", TrainingConfig(name="first", phases=(Phase(4, 1, 16, 24),), **config))
        second = TrainingConfig(name="second", phases=(Phase(6, 1, 16, 24),), pairs=VARIED, **config)
        patch.setitem(configs.CONFIGS, "second", second)
        train.main(corpus, folder / "first", config="first")
        train.main(corpus, folder / "second", config="second", start_from=folder / "first")
    # Twelve photos leave the validation split to chance; the evaluation here draws from all of them.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
        sizes = {"working_pixels": [24 * 36, 48 * 72], "choice_pairs": 2}
        export_model.main(folder / "second", corpus, to=folder / "weights", pairs=2, **sizes)
    return folder / "weights"


@pytest.fixture(scope="module")
def ebb(tmp_path_factory):
    """Four training and three validation pairs in EBB!'s layout."""
    folder = tmp_path_factory.mktemp("ebb")
    make_ebb_sample.main(folder, pairs=4, validation=3, height=80)
    return folder


def test_the_manifest_tells_the_whole_history(published):
    manifest = json.loads((published / "manifest.json").read_text())
    assert [(run["config"], run["steps"]) for run in manifest["training"]] == [("first", 4), ("second", 6)]
    assert [score["method"] for score in manifest["metrics"]] == [UNPROCESSED, GAUSSIAN, "Glass-Net", ORACLE, TRUTH]


def test_the_model_card_says_what_the_manifest_says(published):
    card = (published / "README.md").read_text()
    manifest = json.loads((published / "manifest.json").read_text())
    assert manifest["sha256"] in card
    assert manifest["evaluation"] in card
    # The first configuration whose recipe is the run's without its variety.
    assert "`.venv/bin/python scripts/evaluate.py --corpus FOLDER --recipe paper --count 2`" in card
    assert "| CC0 |" in card


def test_every_training_photo_is_listed_with_its_licence(published):
    with (published / "training-photos.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == (published.parent / "second" / "photos.txt").read_text().split()
    assert all(row["licence"] == "CC0" for row in rows)


def test_a_photo_is_rendered_from_the_command_line(published, tmp_path, rng):
    photo = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(photo)
    render.main([photo], tmp_path / "out", weights=published)
    assert _size(tmp_path / "out" / "photo.jpg") == (80, 60)
    render.main([photo], tmp_path / "beside", weights=published, beside=30)
    assert _size(tmp_path / "beside" / "photo.jpg") == (80, 30)


def test_rendering_replaces_neither_a_photo_nor_another_rendering(published, tmp_path):
    photos = [tmp_path / "one" / "photo.jpg", tmp_path / "two" / "photo.png"]
    for number, photo in enumerate(photos):
        photo.parent.mkdir()
        Image.new("RGB", (40, 40), (50 * number, 90, 90)).save(photo)
    before = photos[0].read_bytes()
    with pytest.raises(typer.BadParameter, match="is one of the photos"):
        render.main(photos[:1], tmp_path / "two" / ".." / "one", weights=published)
    assert photos[0].read_bytes() == before
    with pytest.raises(typer.BadParameter, match="several photos would be rendered to"):
        render.main(photos, tmp_path / "out", weights=published)
    assert not (tmp_path / "out").exists()


def test_photos_are_read_from_the_command_line_as_the_page_reads_them(published, tmp_path, capsys):
    """Its tests say how; here, that what it notes is printed and what it refuses is named."""
    Image.new("RGBA", (40, 40), (90, 90, 90, 128)).save(tmp_path / "photo.png")
    render.main([tmp_path / "photo.png"], tmp_path / "out", weights=published)
    assert "Transparent areas were filled with white." in capsys.readouterr().out
    (tmp_path / "cut.png").write_bytes((tmp_path / "photo.png").read_bytes()[:80])
    with pytest.raises(typer.BadParameter, match=r"cut\.png: This file is damaged or incomplete"):
        render.main([tmp_path / "cut.png"], tmp_path / "out", weights=published)


def _size(path):
    with Image.open(path) as picture:
        return picture.size


def test_evaluation_prints_the_protocol_beside_the_figures(published, corpus, capsys, monkeypatch):
    monkeypatch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
    evaluate.main(corpus, weights=[published], count=2, height=48, width=72)
    printed = capsys.readouterr().out
    assert "2 synthetic pairs of 12 photos never trained on (seed 7), 48x72, full frame, sRGB" in printed
    assert "| Glass-Net |" in printed
    assert "No perceptual distance" in printed


def test_nights_are_named_in_the_protocol(published, corpus, capsys, monkeypatch):
    monkeypatch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
    evaluate.main(corpus, weights=[published], count=2, height=48, width=72, nights=True)
    assert "2 synthetic pairs by night of 12 photos never trained on" in capsys.readouterr().out


def test_detail_transfer_is_compared_with_its_alternatives(published, corpus, capsys, monkeypatch):
    """The network of six steps still leaves photos alone, and so only scaling up loses detail."""
    monkeypatch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
    options = {"count": 2, "height": 48, "width": 72, "working_pixels": 24 * 36}
    evaluate.main(corpus, weights=[published], compare_transfer=True, **options)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    methods = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:] if len(row) == len(rows[0])}
    names = ("Glass-Net", "Network at the working size, scaled up", "Network at full size")
    product, scaled_up, full_size = (methods[name] for name in names)
    assert _mean(scaled_up["Detail kept in focus"]) < _mean(product["Detail kept in focus"]) - 0.3
    for measure in ("PSNR (dB)", "Detail kept in focus"):
        assert _mean(full_size[measure]) == pytest.approx(_mean(product[measure]), abs=0.05)


def _mean(cell: str) -> float:
    return float(cell.split(maxsplit=1)[0])


def test_photographed_pairs_are_scored_under_each_protocol_and_every_score_is_kept(published, ebb, tmp_path, capsys):
    evaluate.main(pairs=ebb, weights=[published], to=tmp_path, protocols=["native", "cropped", "small"])
    printed = capsys.readouterr().out
    assert printed.count("3 photographed pairs (ebb/4400 to ebb/4402)") == 2 * 3
    assert "fitted by PSNR on 4 other pairs" in printed
    assert "| BGGAN | 23.58 | 0.8770 | 4.2 | the paper's, on EBB! |" in printed
    with (tmp_path / "scores-small.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 4
    assert {row["psnr_db"] for row in rows if row["method"] == TRUTH} == {"inf"}
    assert (tmp_path / "evaluation.md").read_text() + "\n" == printed


def test_a_network_is_not_scored_on_validation_pairs_it_was_trained_on(published, ebb, tmp_path):
    weights = shutil.copytree(published, tmp_path / "weights")
    (weights / "training-photos.csv").write_text("name,licence,attribution,source\nebb/4401,x,x,x\n")
    with pytest.raises(ValueError, match=r"trained on 1 of these pairs, as \['ebb/4401'\]"):
        evaluate.main(pairs=ebb, weights=[weights])


def test_a_run_also_names_the_photos_of_the_run_it_started_from(published, tmp_path):
    second = published.parent / "second"
    first = (published.parent / "first" / "photos.txt").read_text()
    assert (second / "earlier-photos.txt").read_text() == first
    run = shutil.copytree(second, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "best"))
    (run / "earlier-photos.txt").write_text("ebb/4400\n")
    assert trained_photos(run) == {"ebb/4400", *first.split()}


def test_a_run_is_evaluated_before_it_is_published(published, ebb, capsys):
    run = published.parent / "second"
    evaluate.main(pairs=ebb, weights=[published, run], protocols=["small"], count=2)
    lines = {line.split(" |")[0]: line for line in capsys.readouterr().out.splitlines()}
    ours, theirs = (lines[f"| Glass-Net ({name})"].split(" |")[1:] for name in ("weights", "second"))
    assert ours == theirs


def test_networks_in_folders_of_one_name_are_told_apart_by_their_paths(published, ebb, tmp_path, capsys):
    other = shutil.copytree(published, tmp_path / published.name)
    evaluate.main(pairs=ebb, weights=[published, other], protocols=["small"], count=2)
    printed = capsys.readouterr().out
    assert f"| Glass-Net ({published}) |" in printed
    assert f"| Glass-Net ({other}) |" in printed
    with pytest.raises(typer.BadParameter, match="given twice"):
        evaluate.main(pairs=ebb, weights=[published, published])


def test_evaluation_wants_one_kind_of_pairs(published, corpus, ebb):
    with pytest.raises(typer.BadParameter, match="--corpus for synthetic pairs or --pairs"):
        evaluate.main(corpus, pairs=ebb, weights=[published])
    with pytest.raises(typer.BadParameter, match="known: native"):
        evaluate.main(pairs=ebb, weights=[published], protocols=["huge"])


def test_a_sheet_of_pairs_is_a_picture(corpus, tmp_path):
    make_pairs.main(corpus, tmp_path / "sheet.png", count=3, columns=2)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (2 * 256, 2 * 3 * 384, 3)
    make_pairs.main(corpus, tmp_path / "other.png", count=3, columns=2, recipe="ablation-instance")
    assert (tmp_path / "other.png").read_bytes() != (tmp_path / "sheet.png").read_bytes()
    with pytest.raises(typer.BadParameter, match=r"unknown: 'clear'; known: .*guided-clear"):
        make_pairs.main(corpus, tmp_path / "other.png", recipe="clear")


def test_sheets_of_photos_failures_and_nights_are_pictures(published, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("scripts.picture_sheets.never_trained_on", lambda entries, _trained: entries)
    options = {"weights": published, "count": 2}
    picture_sheets.photos(tmp_path / "photos.png", _folder_of_photos(tmp_path / "new"), columns=1, **options)
    assert cv2.imread(str(tmp_path / "photos.png")).shape[:2] == (2 * (96 + 6), 2 * 144 + 6 + 6)
    picture_sheets.failures(corpus, tmp_path / "failures.png", pairs=3, **options)
    printed = capsys.readouterr().out.splitlines()
    assert [name.startswith("new_") for name in printed[:2]] == [True, True]
    gains = [float(line.split()[0]) for line in printed[2:]]
    assert gains == sorted(gains)
    picture_sheets.nights(corpus, tmp_path / "nights.png", **options)
    for name in ("failures", "nights"):
        assert cv2.imread(str(tmp_path / f"{name}.png")).shape[1] == 3 * 384 + 2 * 6 + 6


def test_a_sheet_leaves_out_photos_that_were_trained_on(published, tmp_path, capsys):
    folder = _folder_of_photos(tmp_path / "mixed")
    seen = min(trained_photos(published))
    (folder / "new_0.png").rename(folder / f"{seen}.png")
    picture_sheets.photos(tmp_path / "photos.png", folder, weights=published)
    assert capsys.readouterr().out.splitlines() == ["new_1", "new_2"]
    for name in ("new_1", "new_2"):
        (folder / f"{name}.png").unlink()
    with pytest.raises(typer.BadParameter, match=r"holds no photo that .* never trained on"):
        picture_sheets.photos(tmp_path / "photos.png", folder, weights=published)


def _folder_of_photos(folder):
    """Write three pictures of noise, new_0.png to new_2.png, 96 x 144."""
    folder.mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (96, 144, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"new_{number}.png"), noise)
    return folder


def test_a_sheet_can_be_limited_to_named_photos_and_refuses_trained_ones(published, corpus, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("generated_001\n")
    with pytest.raises(typer.BadParameter, match=r"not among the photos never trained on: \['generated_001'\]"):
        picture_sheets.nights(corpus, tmp_path / "nights.png", weights=published, names=names)


def test_a_sheet_no_picture_can_be_written_to_is_refused_before_any_work(tmp_path):
    options = ["nights", "--corpus", str(tmp_path / "absent"), "--sheet", str(tmp_path / "sheet.gifs")]
    refused = CliRunner().invoke(picture_sheets.app, options)
    assert refused.exit_code == 2
    assert "must end in .jpg or .png" in refused.stderr


def test_crops_of_four_versions_at_full_size_lie_inside_the_photo(published, tmp_path):
    photo = np.random.default_rng(2).integers(0, 256, (100, 130, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo[..., ::-1])
    options = {"side": 64, "weights": published}
    picture_sheets.full_size(tmp_path / "photo.png", tmp_path / "crops.png", (36, 66), **options)
    sheet = cv2.imread(str(tmp_path / "crops.png"), cv2.IMREAD_COLOR_RGB)
    assert sheet.shape[:2] == (2 * (64 + 6), 2 * 64 + 6 + 6)
    np.testing.assert_array_equal(sheet[:64, :64], photo[36:, 66:])
    with pytest.raises(typer.BadParameter, match="lie outside of 100 x 130"):
        picture_sheets.full_size(tmp_path / "photo.png", tmp_path / "crops.png", (37, 66), **options)


def test_the_benchmark_reports_ratios_to_its_first_line(capsys):
    benchmark._report({"quick": lambda: None, "slow": lambda: time.sleep(0.01)}, rounds=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("| 1.00 |")
    assert float(lines[3].split("|")[3]) > 1


def test_the_renderer_opens_what_was_published(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    assert Renderer.from_folder(copy).working_pixels == manifest["choice"]["chosen"]


def test_the_card_shows_among_which_sizes_the_rule_chose_and_the_training_curves(published):
    choice = json.loads((published / "manifest.json").read_text())["choice"]
    assert [each["working_pixels"] for each in choice["candidates"]] == [24 * 36, 48 * 72]
    card = (published / "README.md").read_text()
    assert f"| {choice['chosen']:,} (chosen) |" in card
    assert "(training-curves.png)" in card
    assert cv2.imread(str(published / "training-curves.png")) is not None


@pytest.mark.parametrize(
    ("config", "height", "width"),
    [("small", 128, 192), ("paper-size", 256, 384), ("guided", 256, 384), ("guided-varied-b", 256, 384)],
)
def test_the_largest_working_size_is_that_whose_blur_was_learned(corpus, config, height, width):
    """`guided-varied-b` sees 128x192 only, with the radii of 256x384."""
    assert export_model._candidate_sizes(CONFIGS[config], corpus)[0] == height * width


def test_the_largest_working_size_is_that_of_the_last_pictures_where_they_are_photographs(ebb):
    assert export_model._candidate_sizes(CONFIGS["guided-varied-b"], ebb)[0] == 128 * 192


def test_a_network_is_published_with_photographed_pairs(published, corpus, ebb, tmp_path):
    sizes = {"working_pixels": [24 * 36, 48 * 72], "choice_pairs": 2}
    export_model.main(published.parent / "first", corpus, ebb, to=tmp_path, pairs=2, **sizes)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["choice"]["pairs"] == "2 of EBB!'s training pairs at their own size"
    assert "2 photographed pairs (ebb/4400 to ebb/4401)" in manifest["evaluation"]
    card = (tmp_path / "README.md").read_text()
    assert "These are photographed pairs" in card
    assert "`.venv/bin/python scripts/evaluate.py --pairs FOLDER --protocol native --count 2`" in card
    assert "Mattes and depth" in card


def test_a_run_is_published_as_the_mean_with_the_network_it_started_from(published, corpus, tmp_path, monkeypatch):
    rates = {"learning_rate": 0.02, "final_learning_rate": 0.02}
    config = TrainingConfig(name="third", phases=(Phase(2, 1, 16, 24),), network=TINY, checkpoint_steps=2, **rates)
    monkeypatch.setitem(configs.CONFIGS, "third", config)
    monkeypatch.setattr("bggan_core.evaluation.sets.never_trained_on", lambda entries, _trained: entries)
    run, weights = tmp_path / "third", tmp_path / "weights"
    train.main(corpus, run, config="third", start_from=published)
    export_model.main(run, corpus, mean_with=published, to=weights, pairs=2, working_pixels=[24 * 36])
    new, start = (json.loads((folder / "manifest.json").read_text()) for folder in (weights, published))
    assert [each.get("mean_with") for each in new["training"]] == [None, None, start["sha256"]]
    ends = (load_trained(run)[0], load_published(published)[0])
    mean = [(own + other) / 2 for own, other in zip(*(end.get_weights() for end in ends), strict=True)]
    apart = max(np.abs(own - other).max() for own, other in zip(*(end.get_weights() for end in ends), strict=True))
    assert apart > 0.01
    for weight, expected in zip(load_published(weights)[0].get_weights(), mean, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=2**-10, atol=1e-4)


def test_an_export_that_fails_leaves_the_published_network_as_it_was(published, corpus, ebb, tmp_path):
    weights = shutil.copytree(published, tmp_path / "weights")
    before = {path.name: path.read_bytes() for path in weights.iterdir()}
    without_validation = shutil.copytree(ebb, tmp_path / "ebb")
    for path in without_validation.rglob("44*"):
        path.unlink()
    with pytest.raises(ValueError, match="no pair to evaluate on"):
        export_model.main(published.parent / "first", corpus, without_validation, to=weights, working_pixels=[24 * 36])
    assert {path.name: path.read_bytes() for path in weights.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"weights", "ebb"}


def test_the_example_study_replaces_its_own_pictures_only(published, corpus, tmp_path):
    weights = shutil.copytree(published, tmp_path / "weights")
    (weights / "training-photos.csv").write_text("name,licence,attribution,source\n")
    scenes = tmp_path / "scenes"
    for part in ("photos", "mattes", "depth"):
        (scenes / part).mkdir(parents=True)
        shutil.copy(corpus / part / "generated_001.jpg", scenes / part)
    lines = (corpus / "manifest.csv").read_text().splitlines()
    (scenes / "manifest.csv").write_text("\n".join([lines[0], next(line for line in lines if "_001" in line)]))
    kept, outdated = tmp_path / "study" / "mine" / "notes.txt", tmp_path / "study" / "glass_net" / "scene_99.jpg"
    for path in (kept, outdated):
        path.parent.mkdir(parents=True)
        path.touch()
    make_example_study.main(scenes, weights, tmp_path / "study")
    assert kept.exists()
    assert not outdated.exists()
    pictures = {path.relative_to(tmp_path / "study").as_posix() for path in (tmp_path / "study").glob("*/*.jpg")}
    methods = ("glass_net", "global_gaussian", "ground_truth", "lens_blur_too_strong", "unprocessed")
    assert pictures == {f"{method}/scene_01.jpg" for method in methods}


def test_a_benchmark_of_votes_that_raters_cannot_share_is_refused():
    for votes, raters, message in ((1000, 300, "equally"), (500_000, 100, "1 to 1000 votes")):
        with pytest.raises(ValueError, match=message):
            report_votes([votes], raters=raters, rounds=1, say=print)


def test_picture_metrics_without_a_ground_truth_say_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match="must hold ground_truth/"):
        picture_metrics(tmp_path, tmp_path / "metrics.csv")


def test_nothing_is_written_where_there_is_nothing_to_score_on(published, tmp_path):
    with pytest.raises(typer.BadParameter, match="give --corpus or --ebb"):
        export_model.main(published.parent / "first", to=tmp_path / "weights")
    with pytest.raises(typer.BadParameter, match="neither of EBB!'s layouts"):
        export_model.main(published.parent / "first", ebb=tmp_path, to=tmp_path / "weights")
    assert not (tmp_path / "weights").exists()
