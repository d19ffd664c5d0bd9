"""Create, open, watch, close and export rating studies."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

# Run as a file, Python puts scripts/ first on the path, where this file hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from study.definition import DEFAULT_QUESTION, read_study
from study.errors import StudyError
from study.export import write_tables
from study.scale import rating_scale
from study.store import StudyStore

app = typer.Typer(help=__doc__, no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The study's name, as in /study?study=NAME.")]
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


def open_store(database_url: str | None, data: Path) -> StudyStore:
    """Open the store that app.py serves when it is given the same two settings."""
    return StudyStore(database_url or f"sqlite:///{data / 'study.db'}", data_folder=data)


@app.command()
def create(
    name: Name,
    *,
    source: Annotated[Path, typer.Option("--from", help="Folder with ground_truth/ and one folder per method.")],
    title: Annotated[str | None, typer.Option(help="Headline of the rater's page.")] = None,
    question: Annotated[str, typer.Option(help="Asked about every picture.")] = DEFAULT_QUESTION,
    scale_max: Annotated[int, typer.Option(help="Best value; the worst is 0.")] = 5,
    scale_label: Annotated[
        list[str] | None, typer.Option(help="Words of one value, worst first; once per value. '' for none.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the trial orders; left out, a random one.")] = None,
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Check a folder of pictures whole and freeze it as a study. Open it afterwards."""
    scale = rating_scale(scale_max, scale_label or None)
    definition = read_study(source, name=name, title=title, question=question, scale=scale)
    with closing(open_store(database_url, data)) as store:
        study = store.create_study(definition, seed=seed)
    typer.echo(f"Created {name}: {len(study.scenes)} scenes x {len(study.methods)} methods, scale {scale.describe()}.")
    typer.echo(f"Study hash {study.sha256}. Raters can come in after: scripts/study.py open {name}")


@app.command("open")
def open_(name: Name, database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Let raters in at /study."""
    with closing(open_store(database_url, data)) as store:
        store.open_study(name)
    typer.echo(f"{name} is open: /study?study={name}")


@app.command()
def close(name: Name, database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Take no more votes; those given stay."""
    with closing(open_store(database_url, data)) as store:
        store.close_study(name)
    typer.echo(f"{name} is closed.")


@app.command("list")
def list_(database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Name all studies with their size and status."""
    with closing(open_store(database_url, data)) as store:
        studies = store.studies()
    for study in studies:
        typer.echo(f"{study.name}  {study.status}  {len(study.scenes)} scenes x {len(study.methods)} methods")
    if not studies:
        typer.echo("No studies yet.")


@app.command()
def status(name: Name, database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Say how far a study has come."""
    with closing(open_store(database_url, data)) as store:
        study, progress = store.study(name), store.progress(name)
    typer.echo(f"{name} is {study.status}: {progress.raters} raters, {progress.finished_raters} of them finished,")
    typer.echo(f"{progress.votes} votes on {len(study.scenes)} scenes x {len(study.methods)} methods.")


@app.command()
def export(
    name: Name,
    to: Annotated[Path, typer.Option(help="Folder for votes.csv, mos.csv and mos.md.")],
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Write all votes and the MOS table."""
    with closing(open_store(database_url, data)) as store:
        paths = write_tables(store.study(name), store.votes(name), folder=to)
    for path in paths:
        typer.echo(str(path))


def main() -> None:
    """Run a command; what a researcher can mend is said in one line, without a traceback."""
    try:
        app()
    except (StudyError, ValueError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
