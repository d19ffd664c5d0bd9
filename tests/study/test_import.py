"""Ratings and comparisons collected elsewhere: every layout read, everything wrong told at once, nothing ever run."""

import json

import pytest

from study.export import ScaleEnds, read_votes_file, reproduce, write_export
from study.export.documents import frame_csv
from study.export.pwcmp import pwcmp_csv
from study.export.sureal import sureal_json
from study.tables import mos_by_method, mos_by_stimulus, pairwise_scale
from tests.study.sample_votes import (
    METHODS,
    QUICK,
    SCENES,
    pairwise_export,
    pairwise_frame,
    rating_export,
    rating_frame,
)

ONE_TO_FIVE = ScaleEnds(1, 5)


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_one_vote_a_line_gives_the_table_of_the_same_study(tmp_path):
    frame = rating_frame()
    path = written(tmp_path, "ratings.csv", frame_csv(frame))
    export = read_votes_file(path, scale=ScaleEnds(0, 5), hidden_reference="reference")
    table = mos_by_method(export.votes(), QUICK)
    ours = mos_by_method(rating_export(frame).votes(), QUICK)
    columns = ["method", "mos", "ci_low", "ci_high", "dmos", "n_votes"]
    assert table[columns].equals(ours[columns])


def test_a_table_of_raters_is_read_either_way_round(tmp_path):
    """3 x 3 ratings of sureal's test_dataset_os_as_dict: MOS of the first stimulus 2.6667 (sureal's test)."""
    by_stimulus = "scene,method,Tom,Merry,Pipin\nfoo,a,3,4,1\nbar,a,2,1,3\nbar,b,5,,4\n"
    by_rater = "rater,foo/a,bar/a,bar/b\nTom,3,2,5\nMerry,4,1,\nPipin,1,3,4\n"
    tables = []
    for name, content in {"stimuli.csv": by_stimulus, "raters.csv": by_rater}.items():
        export = read_votes_file(written(tmp_path, name, content), scale=ONE_TO_FIVE)
        tables.append(mos_by_stimulus(export.votes(), QUICK).set_index(["scene", "method"]))
    for table in tables:
        assert table.loc[("foo", "a"), "mos"] == pytest.approx(8 / 3)
        assert table.loc[("bar", "b"), "n_votes"] == 2
        assert table.loc[("foo", "b"), "n_votes"] == 0
    assert tables[0]["mos"].equals(tables[1]["mos"])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_other_names_and_separators_are_understood(separator, tmp_path):
    lines = [["Observer", "Image", "HRC", "Score"], ["o1", "i1", "h1", "4"], ["o2", "i1", "h1", "5"]]
    content = "\ufeff" + "\r\n".join(separator.join(line) for line in lines)
    export = read_votes_file(written(tmp_path, "x.csv", content))
    assert list(export.frame["value"]) == [4, 5]
    assert export.facts.scale == "not given; the file's values go from 4 to 5"


def test_a_second_vote_on_the_same_stimulus_is_a_repeat(tmp_path):
    content = "rater,scene,method,value\na,s,m,1\na,s,m,3\nb,s,m,2\n"
    export = read_votes_file(written(tmp_path, "x.csv", content))
    assert list(export.frame["purpose"]) == ["main", "repeat", "main"]
    assert mos_by_method(export.votes(), QUICK).loc[0, "mos"] == 1.5


def test_pwcmp_files_go_out_and_come_back(tmp_path):
    frame = pairwise_frame(ties=0)
    export = read_votes_file(written(tmp_path, "x.csv", pwcmp_csv(frame)))
    ours, theirs = (pairwise_scale(votes, QUICK) for votes in (pairwise_export(frame).votes(), export.votes()))
    columns = ["model", "method", "score", "ci_low", "ci_high", "wins"]
    assert theirs[columns].equals(ours[columns])


def test_a_choice_may_be_a_side_a_number_or_the_methods_name(tmp_path):
    head = "rater,scene,left_method,right_method,choice\n"
    content = head + "r,s,a,b,left\nr,s,a,c,2\nr,s,c,b,b\nq,s,a,b,tie\nq,s,a,c,0\n"
    export = read_votes_file(written(tmp_path, "x.csv", content))
    assert list(export.frame["choice"]) == ["left", "right", "right", "tie", "tie"]


def test_sureal_files_go_out_and_come_back(tmp_path):
    frame = rating_frame()
    content = sureal_json(frame, name="sample", reference="reference", best=5)
    export = read_votes_file(written(tmp_path, "x.json", content), scale=ScaleEnds(0, 5))
    assert export.facts.hidden_reference == "reference"
    assert (export.scenes, export.methods) == (SCENES, METHODS)
    table, ours = (mos_by_method(votes, QUICK) for votes in (export.votes(), rating_export(frame).votes()))
    assert table[["method", "mos", "dmos"]].equals(ours[["method", "mos", "dmos"]])
    assert (export.frame["purpose"] == "repeat").sum() == (frame["purpose"] == "repeat").sum()


def test_sureals_own_example_is_read_and_its_methods_found_by_a_pattern(tmp_path):
    """The dataset of sureal's README, with its scores; the file name tells the reference and the distortion."""
    stimuli = [
        (0, "checkerboard_1920_1080_10_3_0_0.yuv", [100, 100, 100, 100, 100]),
        (0, "checkerboard_1920_1080_10_3_1_0.yuv", [40, 45, 50, 55, 60]),
        (1, "flat_1920_1080_0.yuv", [90, 90, 90, 90, 90]),
        (1, "flat_1920_1080_10.yuv", [70, 75, 80, 85, None]),
    ]
    content = {
        "ref_videos": [
            {"content_id": 0, "content_name": "checkerboard", "path": stimuli[0][1]},
            {"content_id": 1, "content_name": "flat", "path": stimuli[2][1]},
        ],
        "dis_videos": [
            {"content_id": content, "asset_id": number, "os": scores, "path": path}
            for number, (content, path, scores) in enumerate(stimuli)
        ],
        "ref_score": 100,
    }
    path = written(tmp_path, "x.json", json.dumps(content))
    export = read_votes_file(path, method_pattern=r"1080_(?P<method>.*)\.yuv")
    table = mos_by_stimulus(export.votes(), QUICK).set_index(["scene", "method"])
    assert table.loc[("checkerboard", "10_3_1_0"), "mos"] == 50
    assert table.loc[("checkerboard", "reference"), "mos"] == 100
    assert table.loc[("flat", "10"), "n_votes"] == 4
    assert read_votes_file(path).methods == ("checkerboard_1920_1080_10_3_1_0", "flat_1920_1080_10", "reference")


def problems_of(path, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the message is what is tested
        read_votes_file(path, **options)
    return str(caught.value)


def test_everything_wrong_with_a_table_is_told_at_once_with_its_line(tmp_path):
    content = "rater,scene,method,value\na,s,m,four\n,s,m,3\nb,,m,\nc,s,m,1,9\n"
    assert problems_of(written(tmp_path, "x.csv", content)).splitlines() == [
        "x.csv cannot be read:",
        "- line 5: 5 cells under 4 headings",
    ]
    content = content.replace(",9", "")
    told = problems_of(written(tmp_path, "x.csv", content))
    for line in ("line 2: value is four", "line 3: rater is empty", "line 4: scene is empty", "line 4: value is empty"):
        assert line in told


def test_wrong_comparisons_are_told_with_their_line(tmp_path):
    content = "rater,scene,left_method,right_method,choice\nr,s,a,a,left\nr,s,a,b,middle\nr,s,a,b,\n"
    told = problems_of(written(tmp_path, "x.csv", content))
    for line in ("line 2: a is compared with itself", "line 3: choice is middle", "line 4: choice is empty"):
        assert line in told


def test_wrong_sureal_files_are_told_whole(tmp_path):
    content = {
        "ref_videos": [{"content_id": 0, "path": "r"}, {"path": "x"}],
        "dis_videos": [
            {"content_id": 7, "os": [1], "path": "a"},
            {"content_id": 0, "os": {"Tom": "five"}, "path": "b"},
            {"content_id": 0, "os": 3, "path": "c"},
            {"content_id": 0, "os": [1, 2], "path": "d"},
            {"content_id": 0, "os": [1, 2, 3], "path": "e"},
        ],
    }
    told = problems_of(written(tmp_path, "x.json", json.dumps(content)))
    for problem in (
        "ref_videos[1]: needs a content_id",
        "dis_videos[0]: content_id 7 is in no ref_videos",
        "dis_videos[1]: Tom voted 'five'",
        "dis_videos[2]: os must be",
        "lists of different lengths",
    ):
        assert problem in told


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.py", "ref_videos = []", "could run code"),
        ("x.pkl", "", "could run code"),
        ("x.xlsx", "", "must end in"),
        ("x.csv", "", "it is empty"),
        ("x.csv", "rater,scene,method,value\n", "it holds no votes"),
        ("x.csv", "a,b,c\n1,2,3\n", "its headings are a, b, c; needed are rater"),
        ("x.csv", "rater,rater,scene,method,value\na,a,s,m,1\n", "occurs more than once"),
        ("x.json", "{", "it is no JSON"),
        ("x.json", "[]", "ref_videos and dis_videos"),
        ("x.json", '{"ref_videos": [], "dis_videos": []}', "it holds no votes"),
    ],
)
def test_files_that_are_no_votes_are_refused_with_the_reason(name, content, message, tmp_path):
    assert message in problems_of(written(tmp_path, name, content))


def test_votes_off_the_scale_and_unknown_references_are_refused(tmp_path):
    path = written(tmp_path, "x.csv", "rater,scene,method,value\na,s,m,1\nb,s,m,7\n")
    assert "1 votes are off the scale 1-5: 7" in problems_of(path, scale=ONE_TO_FIVE)
    assert "hidden_reference must be one of m, got truth" in problems_of(path, hidden_reference="truth")
    assert "cannot be opened" in problems_of(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="from the worst to the best"):
        ScaleEnds(5, 1)


def test_a_file_that_is_not_utf8_says_so(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("rater,scene,method,value\nMüller,s,m,1\n".encode("latin-1"))
    assert "is not UTF-8" in problems_of(path)


def test_an_import_becomes_an_archive_that_reproduces(tmp_path):
    path = written(tmp_path, "Ratings of 2019.csv", frame_csv(rating_frame(raters=15)))
    export = read_votes_file(path, analysis=QUICK, scale=ScaleEnds(0, 5))
    assert export.facts.name == "ratings-of-2019"
    written_paths = write_export(export, tmp_path / "out", figure_kinds=("svg",))
    archive = tmp_path / "out" / "ratings-of-2019.zip"
    assert archive in written_paths
    assert reproduce(archive).differences == ()
    assert "the file Ratings of 2019.csv" in (tmp_path / "out" / "README.md").read_text()
