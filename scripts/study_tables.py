"""Votes as tables: export a study, import one run elsewhere, reproduce an archive, publish it, print a table."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import typer
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from bggan_core.metrics import psnr, ssim
from bggan_core.optics import Array
from study.definition import GROUND_TRUTH
from study.export import (
    ScaleEnds,
    build_tables,
    prepare_publication,
    publish,
    read_archive,
    read_metrics,
    read_votes_file,
    reproduce,
    stored_study,
    write_export,
)
from study.export.documents import Form, frame_csv, frame_json, frame_latex, frame_markdown
from study.export.forms import COMMON_SCALE
from study.statistics import NotConverged
from study.stimuli import load_picture
from study.store import StudyStore
from study.tables import Analysis, common_scale

Name = Annotated[str, typer.Argument(help="The study's name, as in /study?study=NAME.")]
To = Annotated[Path, typer.Option(help="Folder for all files and the archive; or, ending in .zip, the archive alone.")]
Screening = Annotated[
    Literal["none", "bt500", "p913"],
    typer.Option(help="Whose votes the tables rest on. All screenings are shown side by side in any case."),
]
Confidence = Annotated[float, typer.Option(help="Of all intervals.")]
Interval = Annotated[
    Literal["t", "z", "bca"], typer.Option(help="Kind of the naive interval beside the two-way one, and per stimulus.")
]
Resamples = Annotated[int, typer.Option(help="Of every bootstrap.")]
Seed = Annotated[int, typer.Option(help="Of every bootstrap.")]
TableForm = Annotated[Literal["md", "csv", "tex", "json"], typer.Option("--as", help="How to print it.")]
Metrics = Annotated[
    Path | None,
    typer.Option(help="CSV with scene, method, metric, value: metrics of the stimuli, to be compared with the MOS."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="DATABASE_URL",
        help="SQLAlchemy URL of the studies' database; left out, study.db in the data folder.",
    ),
]
DataFolder = Annotated[
    Path, typer.Option("--data", envvar="BGGAN_DATA", help="The app's data folder: pictures, votes, their journal.")
]
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "var"  # where app.py keeps it, whatever the caller's folder


def register(study: typer.Typer) -> None:
    """Add the commands to the study's commands."""
    study.command()(export)
    study.command("import")(import_)
    study.command("reproduce")(reproduce_archive)
    study.command("publish")(publish_study)
    study.command()(table)
    study.command("common-scale")(print_common_scale)
    study.command("metrics")(picture_metrics)


def export(
    name: Name,
    *,
    to: To,
    metrics: Metrics = None,
    screening: Screening = "none",
    confidence: Confidence = 0.95,
    interval: Interval = "t",
    resamples: Resamples = 1000,
    seed: Seed = 2020,
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Write votes, tables, figures and the archive that reproduces them."""
    analysis = Analysis(confidence, screening, interval, resamples, seed)
    with closing(_open_store(database_url, data)) as store:
        study = stored_study(store, name, analysis=analysis, metrics=_metrics(metrics))
    for path in write_export(study, to):
        typer.echo(str(path))


def import_(
    file: Annotated[Path, typer.Argument(help="CSV with one vote a line or one table of raters; or sureal's JSON.")],
    *,
    to: To,
    scale: Annotated[str | None, typer.Option(help="Ends of the rating scale, such as 1-5 or 0:100.")] = None,
    hidden_reference: Annotated[str | None, typer.Option(help="The method that is the reference itself.")] = None,
    method_pattern: Annotated[
        str | None, typer.Option(help="sureal: regular expression with a group (?P<method>...) for a stimulus's path.")
    ] = None,
    metrics: Metrics = None,
    screening: Screening = "none",
    confidence: Confidence = 0.95,
    interval: Interval = "t",
    resamples: Resamples = 1000,
    seed: Seed = 2020,
) -> None:
    """Make the same tables, figures and archive of ratings or comparisons collected elsewhere."""
    study = read_votes_file(
        file,
        analysis=Analysis(confidence, screening, interval, resamples, seed),
        metrics=_metrics(metrics),
        scale=None if scale is None else _scale(scale),
        hidden_reference=hidden_reference,
        method_pattern=method_pattern,
    )
    repeats = int((study.frame["purpose"] == "repeat").sum())
    typer.echo(f"{len(study.frame)} votes of {study.frame['rater'].nunique()} raters, {repeats} of them repeats.")
    for path in write_export(study, to):
        typer.echo(str(path))


def reproduce_archive(
    archive: Annotated[Path, typer.Argument(help="A .zip that export, import or publish made.")],
) -> None:
    """Make every table again from the archive's votes alone and name each difference."""
    result = reproduce(archive)
    for line in result.other_versions:
        typer.echo(f"Note: {line}.")
    for line in result.differences:
        typer.echo(line)
    made = f"{result.tables} tables made again from {result.votes} votes ({result.hashed_votes} with a checked hash)"
    if result.differences:
        typer.echo(f"{made}: {len(result.differences)} differences.")
        raise typer.Exit(1)
    typer.echo(f"{made}: every digit as in the archive.")


def publish_study(
    name: Name,
    *,
    repo: Annotated[str, typer.Option(help="Dataset repository on the Hugging Face Hub: user/dataset.")],
    licence: Annotated[str, typer.Option(help="Licence of the votes, by its id on the Hub.")] = "cc-by-4.0",
    yes: Annotated[bool, typer.Option("--yes", help="Push. Without it, only show what would be pushed.")] = False,
    public: Annotated[bool, typer.Option(help="Make a new repository public.")] = False,
    save: Annotated[Path | None, typer.Option(help="Also write what is pushed into this folder.")] = None,
    metrics: Metrics = None,
    screening: Screening = "none",
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Publish a pseudonymous copy of a study as a dataset. Shows everything first; pushes only with --yes."""
    with closing(_open_store(database_url, data)) as store:
        study = stored_study(store, name, analysis=Analysis(screening=screening), metrics=_metrics(metrics))
    publication = prepare_publication(study, repository=repo, licence=licence)
    typer.echo(publication.describe())
    if save is not None:
        publication.write(save)
    if not yes:
        typer.echo("Nothing was pushed. To push exactly this, add --yes.")
        return
    try:
        typer.echo(publish(publication, api=HfApi(), private=not public))
    except HfHubHTTPError as error:
        raise ValueError(f"the Hub refused: {error}. Log in with `hf auth login`, or set HF_TOKEN.") from error


def table(
    archive: Annotated[Path, typer.Argument(help="A .zip that export, import or publish made.")],
    *,
    name: Annotated[str | None, typer.Option("--table", help="Which one; left out, the main one.")] = None,
    form: TableForm = "md",
) -> None:
    """Print one table, made anew from an archive's votes."""
    tables = build_tables(read_archive(archive).export)
    chosen = name or next(iter(tables))
    if chosen not in tables:
        raise ValueError(f"--table must be one of {', '.join(tables)}, got {chosen}")
    _print(*tables[chosen], form)


def print_common_scale(
    ratings: Annotated[Path, typer.Argument(help="A rating study's .zip that export, import or publish made.")],
    comparisons: Annotated[Path, typer.Argument(help="A pairwise study's, of the same methods.")],
    *,
    form: TableForm = "md",
) -> None:
    """Put ratings and comparisons of the same methods on one scale, and say whether the two kinds of vote agree."""
    rated, compared = (read_archive(path).export for path in (ratings, comparisons))
    try:
        frame = common_scale(rated.votes(), compared.votes(), rated.analysis)
    except NotConverged as error:
        raise ValueError(f"no common scale: {error}") from error
    _print(frame, COMMON_SCALE, form)


def _print(frame: pd.DataFrame, shape: Form, form: str) -> None:
    printed = {
        "md": lambda: frame_markdown(frame, shape),
        "csv": lambda: frame_csv(frame),
        "tex": lambda: frame_latex(frame, shape),
        "json": lambda: frame_json(frame, title=shape.title),
    }
    typer.echo(printed[form](), nl=False)


def picture_metrics(
    source: Annotated[Path, typer.Option("--from", help="The study's folder: ground_truth/ and one folder a method.")],
    to: Annotated[Path, typer.Option(help="CSV to write, for --metrics of export and publish.")],
) -> None:
    """Measure PSNR and SSIM of every picture against its ground truth: sRGB, full frame."""
    rows = []
    truths = sorted((source / GROUND_TRUTH).iterdir()) if (source / GROUND_TRUTH).is_dir() else []
    for truth_path in truths:
        truth = _picture(truth_path)
        for path in sorted(source.glob(f"*/{truth_path.stem}.*")):
            if path.parent.name != GROUND_TRUTH:
                rendering = _picture(path)
                stimulus = {"scene": truth_path.stem, "method": path.parent.name}
                measures = {"PSNR": psnr(rendering, truth), "SSIM": ssim(rendering, truth)}
                rows += [{**stimulus, "metric": name, "value": value} for name, value in measures.items()]
    if not rows:
        raise ValueError(f"{source} must hold {GROUND_TRUTH}/ and at least one method's folder with pictures")
    to.write_text(frame_csv(pd.DataFrame(rows), exact=("value",)), encoding="utf-8")
    typer.echo(f"{len(rows)} values in {to}")


def _picture(path: Path) -> Array:
    """A picture as float32 [H, W, 3] in [0, 1]."""
    return np.asarray(load_picture(path).convert("RGB"), dtype=np.float32) / 255


def _open_store(database_url: str | None, data: Path) -> StudyStore:
    return StudyStore(database_url or f"sqlite:///{data / 'study.db'}", data_folder=data)


def _metrics(path: Path | None) -> pd.DataFrame | None:
    if path is None:
        return None
    try:
        return read_metrics(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}") from error


def _scale(text: str) -> ScaleEnds:
    """Ends such as 1-5, 0:100 or -3:3."""
    worst, _, best = text.rpartition(":") if ":" in text else text.rpartition("-")
    try:
        return ScaleEnds(float(worst), float(best))
    except ValueError as error:
        raise ValueError(f"--scale must be two ends such as 1-5 or -3:3, the worst first, got {text}") from error
