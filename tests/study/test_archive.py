"""Archives: the same bytes for the same votes, every table made again to the digit, every change found and named."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.example_table import example_page
from study.export import archive_bytes, read_archive, reproduce
from study.export.archive import MANIFEST, export_files
from study.export.zipping import unzip_files, zip_bytes
from tests.study.sample_votes import metrics_frame, pairwise_export, rating_export, rating_frame

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "sample.zip"
    path.write_bytes(archive_bytes(rating_export(metrics=metrics_frame())))
    return path


def rewritten(archive: Path, to: Path, changes: dict[str, bytes]) -> Path:
    """The archive with other contents under some names."""
    to.write_bytes(zip_bytes(unzip_files(archive) | changes))
    return to


def test_the_same_votes_give_the_same_bytes(archive):
    assert archive_bytes(rating_export(metrics=metrics_frame())) == archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_manifest_names_study_seed_screening_versions_and_every_file(archive):
    read = read_archive(archive)
    manifest = read.manifest
    assert manifest["study"]["sha256"] == "5" * 64
    assert manifest["analysis"]["seed"] == 2020
    assert manifest["screening_rule"].startswith("none")
    assert manifest["votes"] == {"votes": 352, "raters": 16, "simulated_raters": 0}
    assert set(manifest["versions"]) == {"python", "bggan", "numpy", "scipy", "pandas", "matplotlib"}
    assert set(manifest["files"]) == set(read.files)
    kinds = {"csv", "json", "md", "tex"}
    assert {f"tables/mos.{kind}" for kind in kinds} | {"figures/mos.svg", "figures/metrics.pdf"} <= set(read.files)


@pytest.mark.parametrize("mode", ["rating", "pairwise"])
def test_an_archive_reproduces_every_table_to_the_digit(mode, archive, tmp_path):
    path = archive
    if mode == "pairwise":
        path = tmp_path / "pairs.zip"
        path.write_bytes(archive_bytes(pairwise_export()))
    result = reproduce(path)
    assert result.differences == ()
    assert result.other_versions == ()
    assert result.tables == len({Path(name).stem for name in unzip_files(path) if name.startswith("tables/")})


def test_a_changed_vote_is_named_by_its_file_and_by_every_cell_it_changes(archive, tmp_path):
    votes = unzip_files(archive)["votes.csv"].decode()
    line = next(line for line in votes.splitlines() if line.startswith("r00,main,barn,glass_net"))
    changed = votes.replace(line, line.rsplit(",", 1)[0] + ",0").encode()
    result = reproduce(rewritten(archive, tmp_path / "changed.zip", {"votes.csv": changed}))
    assert "votes.csv: changed since the archive was made" in result.differences
    assert any(line.startswith("tables/mos.csv, line ") and ", mos: archive '" in line for line in result.differences)


def test_a_changed_digit_in_a_table_is_named_by_line_and_column(archive, tmp_path):
    table = unzip_files(archive)["tables/mos.csv"].decode()
    first = table.splitlines()[1].split(",")
    changed = table.replace(f",{first[2]},", ",4.9,", 1).encode()
    result = reproduce(rewritten(archive, tmp_path / "changed.zip", {"tables/mos.csv": changed}))
    assert result.differences == (
        "tables/mos.csv: changed since the archive was made",
        f"tables/mos.csv, line 2, mos: archive '4.9', from the votes '{first[2]}'",
    )


def test_missing_and_added_files_are_named(archive, tmp_path):
    files = unzip_files(archive)
    del files["figures/mos.svg"], files["tables/mos.md"]
    path = tmp_path / "other.zip"
    path.write_bytes(zip_bytes({**files, "tables/extra.csv": b"x\n", "note.txt": b"x"}))
    differences = reproduce(path).differences
    assert "figures/mos.svg: in the manifest, but missing" in differences
    assert "tables/mos.md: missing" in differences
    assert "note.txt: not in the manifest" in differences
    assert "tables/extra.csv: no such table follows from the votes" in differences


def test_another_version_is_a_note_and_no_difference(archive, tmp_path):
    manifest = json.loads(unzip_files(archive)[MANIFEST])
    manifest["versions"]["scipy"] = "0.1"
    result = reproduce(rewritten(archive, tmp_path / "old.zip", {MANIFEST: json.dumps(manifest).encode()}))
    assert result.differences == ()
    assert result.other_versions[0].startswith("scipy 0.1 in the archive")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "no readable zip"),
        (zip_bytes({"x": b""}), "manifest.json is missing"),
        (zip_bytes({MANIFEST: b"{"}), "manifest cannot be read"),
        (zip_bytes({MANIFEST: b"[]"}), "manifest cannot be read"),
        (zip_bytes({MANIFEST: b'{"format": "other"}'}), "format 'other'"),
    ],
)
def test_what_is_no_archive_is_refused_with_the_reason(content, message, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        reproduce(path)


def test_an_archive_with_columns_missing_from_its_votes_says_which(archive, tmp_path):
    path = rewritten(archive, tmp_path / "x.zip", {"votes.csv": b"rater,scene\na,b\n"})
    with pytest.raises(ValueError, match=r"missing .*method"):
        reproduce(path)


def test_screening_and_seed_are_taken_from_the_archive(tmp_path):
    export = rating_export()
    chosen = replace(export, analysis=replace(export.analysis, screening="p913", confidence=0.9, seed=5))
    path = tmp_path / "x.zip"
    path.write_bytes(archive_bytes(chosen, figure_kinds=()))
    assert reproduce(path).differences == ()
    assert "P.913" in read_archive(path).manifest["screening_rule"]


def test_decimal_ratings_and_metrics_keep_all_their_digits(tmp_path):
    frame = rating_frame()
    frame["value"] += 1 / 3
    metrics = metrics_frame()
    path = tmp_path / "x.zip"
    path.write_bytes(archive_bytes(rating_export(frame, metrics=metrics), figure_kinds=()))
    assert reproduce(path).differences == ()
    read = read_archive(path).export
    assert list(read.frame["value"]) == list(frame["value"])
    assert read.metrics is not None
    assert list(read.metrics["value"]) == list(metrics["value"])


def test_an_empty_study_has_an_archive_too(tmp_path):
    path = tmp_path / "empty.zip"
    path.write_bytes(archive_bytes(rating_export(rating_frame().head(0)), figure_kinds=()))
    assert reproduce(path).differences == ()


def test_the_shipped_example_reproduces_and_its_page_shows_its_numbers():
    """`examples/example-study.zip` holds the votes of simulated raters and says so; the page is what the votes give."""
    archive = ROOT / "examples" / "example-study.zip"
    result = reproduce(archive)
    assert result.differences == ()
    assert result.hashed_votes == result.votes > 1000
    export = read_archive(archive).export
    assert export.simulated == set(export.frame["rater"])
    assert example_page(export) == (ROOT / "docs" / "example-study.md").read_text(encoding="utf-8")


def test_every_archive_explains_itself():
    page = export_files(rating_export(), figure_kinds=())["README.md"].decode()
    assert page.startswith("# Sample study")
    assert "reproduce ARCHIVE.zip" in page
    assert "Simulated raters: 0 of 16" in page
