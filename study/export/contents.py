"""What an export is made from, and all files it consists of.

The files follow from the votes, the study's words and the analysis alone: the same votes give the same bytes whichever
database kept them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from study.export.documents import Form, frame_csv, frame_json, frame_latex, frame_markdown
from study.export.forms import METRIC_TABLES, TABLES
from study.export.overview import methods_overview
from study.export.pwcmp import pwcmp_csv
from study.export.sureal import sureal_json
from study.export.votes import dictionary_csv, votes_csv
from study.figure_style import FigureKind, figure_bytes
from study.figures import (
    metric_scatter,
    mos_forest_plot,
    pairwise_matrix_plot,
    pairwise_scale_plot,
    scene_heat_map,
    score_distributions,
)
from study.tables import Analysis, StudyFacts, StudyVotes, votes_from_frame

FIGURE_KINDS: tuple[FigureKind, ...] = ("svg", "pdf", "png")
VOTES, DICTIONARY, METRICS = "votes.csv", "data-dictionary.csv", "metrics.csv"
Tables = dict[str, tuple[pd.DataFrame, Form]]


@dataclass(frozen=True)
class StudyExport:
    """A study with its votes and how they are to be analysed.

    Attributes:
        facts: What the tables say of the study.
        question: As raters read it; empty where it is not known.
        seed: Of the trial orders; None where it is not known, or not told.
        scenes, methods: All names, with votes or without.
        frame: The tidy votes; raters marked `simulated` are programs.
        analysis: The researcher's choices.
        metrics: Columns scene, method, metric, value; None where there are none.
        origin: Where the votes come from, in words.
    Raises:
        ValueError: a screening of raters is chosen for comparisons; its rules are of ratings.
    """

    facts: StudyFacts
    question: str
    seed: int | None
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    frame: pd.DataFrame
    analysis: Analysis
    metrics: pd.DataFrame | None = None
    origin: str = "this platform"

    def __post_init__(self) -> None:
        """Refuse a choice that no table would follow."""
        if self.facts.mode == "pairwise" and self.analysis.screening != "none":
            raise ValueError(
                f"screening must be none, got {self.analysis.screening}: {self.facts.name} is a pairwise study, "
                "and the rules are for ratings"
            )

    @property
    def simulated(self) -> frozenset[str]:
        """The raters that are programs."""
        if "simulated" not in self.frame:
            return frozenset()
        return frozenset(self.frame.loc[self.frame["simulated"].astype(bool), "rater"])

    def votes(self) -> StudyVotes:
        """The votes as the tables take them."""
        return votes_from_frame(
            self.facts, self.frame, scenes=self.scenes, methods=self.methods, simulated=self.simulated
        )


def build_tables(export: StudyExport) -> Tables:
    """Every table of the study by its file's name, with the form it is printed in."""
    votes = export.votes()
    tables: Tables = {}
    if export.facts.mode == "rating":
        tables["methods"] = methods_overview(votes, export.metrics, export.analysis)
    for table in TABLES[export.facts.mode]:
        tables[table.name] = table.build(votes, export.analysis), table.form
    if export.metrics is not None:
        for metric_table in METRIC_TABLES:
            tables[metric_table.name] = metric_table.build(votes, export.metrics, export.analysis), metric_table.form
    return tables


def table_files(tables: Tables) -> dict[str, bytes]:
    """Every table as CSV, JSON, Markdown and LaTeX."""
    files: dict[str, bytes] = {}
    for name, (frame, form) in tables.items():
        contents = {
            "csv": frame_csv(frame),
            "json": frame_json(frame, title=form.title),
            "md": frame_markdown(frame, form),
            "tex": frame_latex(frame, form),
        }
        files |= {f"tables/{name}.{kind}": content.encode() for kind, content in contents.items()}
    return files


def figure_files(tables: Tables, *, kinds: Sequence[FigureKind] = FIGURE_KINDS) -> dict[str, bytes]:
    """Every figure that the tables allow, in every kind of file."""
    if not kinds:
        return {}
    frames = {name: frame for name, (frame, _) in tables.items()}
    figures = {}
    if "mos" in frames:
        figures["mos"] = mos_forest_plot(frames["mos"])
        figures["answers"] = score_distributions(frames["answers"])
        figures["scenes"] = scene_heat_map(frames["mos-by-stimulus"])
    if "scale" in frames:
        figures["scale"] = pairwise_scale_plot(frames["scale"])
        figures["matrix"] = pairwise_matrix_plot(frames["matrix"])
    if "metrics" in frames:
        figures["metrics"] = metric_scatter(frames["metrics-by-stimulus"], frames["metrics"])
    return {f"figures/{name}.{kind}": figure_bytes(figure, kind) for name, figure in figures.items() for kind in kinds}


def data_files(export: StudyExport) -> dict[str, bytes]:
    """The votes with their dictionary, the metrics, and the votes in the forms of other tools."""
    files = {VOTES: votes_csv(export.frame).encode(), DICTIONARY: dictionary_csv(export.frame.columns).encode()}
    if export.metrics is not None:
        files[METRICS] = frame_csv(export.metrics, exact=("value",)).encode()
    files |= {name: text.encode() for name, text in _other_tools(export)}
    return files


def _other_tools(export: StudyExport) -> Iterator[tuple[str, str]]:
    facts = export.facts
    if facts.mode == "rating":
        yield (
            "other-tools/sureal.json",
            sureal_json(export.frame, name=facts.name, reference=facts.hidden_reference, best=facts.scale_max),
        )
    else:
        yield "other-tools/pwcmp.csv", pwcmp_csv(export.frame)
