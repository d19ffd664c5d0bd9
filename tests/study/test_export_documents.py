"""Tables as files: what a spreadsheet, TeX and Markdown make of nasty names, and what is missing."""

import csv
import io
import json
import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.export.cells import csv_cell, guard_formula, latex_text, markdown_cell, number_text, unguard_formula
from study.export.documents import Form, frame_csv, frame_json, frame_latex, frame_markdown, interval, rounded, text
from study.export.votes import read_votes_csv, votes_csv
from tests.study.sample_votes import rating_frame

NASTY = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "'=2",
    "\uff1d1",
    "a,b;c",
    'say "hi"',
    "50% & more_#1",
    "$x^2$",
    "\\input{x}",
    "{~}",
    "<b>|b|</b>",
    "`code` *x*",
    "Müller\u2013Ångström",
    "Šťáva ő",
    "中文",
    "naïve\u2019s",
    "a\nb",
    "\ufb01 ½ €",
    "[link](x)",
)


@pytest.mark.parametrize("name", [name for name in NASTY if guard_formula(name) != name])
def test_no_csv_cell_of_text_begins_like_a_formula(name):
    assert csv_cell(name)[0] == "'"
    assert unguard_formula(guard_formula(name)) == name


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="=+-@\t'ab\uff1d ", max_size=6))
def test_guarding_is_undone_exactly(content):
    assert unguard_formula(guard_formula(content)) == content


def test_negative_numbers_stay_numbers():
    assert csv_cell(-1.5) == "-1.5"
    assert csv_cell(-0.0) == "0"
    assert number_text(2 / 3) == "0.66666667"


def test_nasty_names_come_back_from_csv_as_they_were():
    frame = rating_frame(raters=1, methods=("glass_net",), scenes=("dog",), repeats=0)
    frame = pd.concat([frame.assign(rater=name, scene=name, method=name) for name in NASTY], ignore_index=True)
    content = votes_csv(frame).encode()
    cells = [cell for row in csv.reader(io.StringIO(content.decode(), newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\uff1d"}]
    again = read_votes_csv(content, mode="rating")
    assert list(again["method"]) == list(NASTY)
    assert list(again["value"]) == list(frame["value"])


def sample_table() -> tuple[pd.DataFrame, Form]:
    frame = pd.DataFrame({"method": list(NASTY), "mos": pd.array([1.234567891] * len(NASTY), dtype="Float64")})
    frame["ci_low"] = pd.array([None] * len(NASTY), dtype="Float64")
    frame["ci_high"] = frame["ci_low"]
    frame["scale"] = "0-5 (50% & more)"
    frame["message"] = "no $interval$"
    columns = (text("method", "Method_1"), rounded("mos", "MOS"), interval("ci_low", "ci_high", "95% CI"))
    return frame, Form("MOS & more_", "nasty", columns)


def test_latex_of_nasty_names_compiles_with_booktabs_alone(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here; Debian: apt-get install texlive-latex-base texlive-latex-recommended")
    table = frame_latex(*sample_table())
    document = "\n".join([r"\documentclass{article}", r"\usepackage{booktabs}", r"\begin{document}", table])
    (tmp_path / "table.tex").write_text(document + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in done.stdout


def test_latex_spells_every_special_character():
    assert latex_text("50% & a_b #1 $x^2$") == r"50\% \& a\_b \#1 \$x\textasciicircum{}2\$"
    assert latex_text("\\input{x}") == r"\textbackslash{}input\{x\}"
    assert latex_text("Šťáva 中") == r"\v{S}\v{t}\'{a}va {[}U+4E2D{]}"


def test_markdown_cells_hold_no_markup_and_no_line_break():
    assert markdown_cell("<b>|x|</b>\n[a](b)") == r"\<b\>\|x\|\</b\> \[a\](b)"
    lines = frame_markdown(*sample_table()).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(NASTY)
    assert {line.replace(r"\|", "").count("|") for line in rows} == {4}


def test_what_is_missing_is_empty_null_or_said_in_words():
    frame, form = sample_table()
    assert "nan" not in frame_csv(frame).lower().replace("<na>", "nan")
    rows = json.loads(frame_json(frame, title="x"))["rows"]
    assert rows[0]["ci_low"] is None
    assert rows[0]["mos"] == 1.2345679
    assert "| none |" in frame_markdown(frame, form)
    assert r"- Note: no $interval$" in frame_markdown(frame, form)


def test_latex_goes_on_after_a_page_and_keeps_to_the_line(tmp_path):
    """87 rows with reasons of three lines: seven tables, none too high; with graphicx none too wide."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here; Debian: apt-get install texlive-latex-base texlive-latex-recommended")
    frame = pd.DataFrame({"rater": [f"r{row:02d}" for row in range(87)], "reason": "kept: " + "no outliers " * 9})
    frame["mos"], frame["message"] = 1.25, ""
    form = Form("Raters", "raters", (text("rater", "Rater"), text("reason", "Reason"), rounded("mos", "M" * 40)))
    tables = frame_latex(frame, form)
    assert [tables.count(words) for words in (r"\begin{table}", "(continued)", r"\label")] == [7, 6, 1]
    preamble = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
    (tmp_path / "table.tex").write_text(preamble + tables + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout
    assert "too large" not in done.stdout


def noted_table(messages: list[str]) -> tuple[pd.DataFrame, Form]:
    frame = pd.DataFrame({"scene": "dog", "method": [f"m_{place}" for place in range(len(messages))]})
    columns = (text("scene", "Scene"), text("method", "Method"))
    return frame.assign(message=messages), Form("Notes", "notes", columns, key=("scene", "method"))


@pytest.mark.parametrize(
    ("messages", "notes"),
    [
        (["no votes", "", "one vote"], ["Note on dog / m_0: no votes.", "Note on dog / m_2: one vote."]),
        (["no votes", "no votes", ""], ["Note on dog / m_0, dog / m_1: no votes."]),
        (["no votes"] * 3, ["Note: no votes."]),
        (["no votes"] * 7 + [""], ["Note on dog / m_0, dog / m_1, dog / m_2, dog / m_3 and 3 more: no votes."]),
    ],
)
def test_a_note_names_the_rows_it_is_about(messages, notes):
    table = noted_table(messages)
    assert [line for line in frame_markdown(*table).splitlines() if line.startswith("- ")] == [
        f"- {markdown_cell(note)}" for note in notes
    ]
    assert latex_text(" ".join(notes)) in frame_latex(*table)


def test_latex_writes_minus_signs_in_numbers_and_hyphens_in_names():
    frame = pd.DataFrame({"method": ["a-b"], "mos": [-0.5], "low": [-1.0], "high": [0.25]})
    form = Form("x", "x", (text("method", "Method"), rounded("mos", "MOS"), interval("low", "high", "CI")))
    assert r"a{-}b & $-$0.50 & {[}$-$1.00, 0.25{]} \tabularnewline" in frame_latex(frame, form)
