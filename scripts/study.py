"""Create, open, watch, check, close and export studies."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

# Run as a file, Python puts scripts/ first on the path, where this file hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from scripts import study_accounts, study_simulate, study_tables
from study.definition import DEFAULT_QUESTION, read_study, read_study_file
from study.errors import StudyError
from study.records import StudyRecord
from study.scale import rating_scale
from study.store import StudyStore
from study.visits import Visits, load_secret_key

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
    study: Annotated[str, typer.Argument(help="A study file (.yaml or .json); or, with --from, the study's name.")],
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The short way: a folder with ground_truth/ and one folder per method."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="With --from: headline of the rater's page.")] = None,
    question: Annotated[str | None, typer.Option(help="With --from: asked about every picture.")] = None,
    scale_max: Annotated[
        int | None, typer.Option(help="With --from: best value, 5 if left out; the worst is 0.")
    ] = None,
    scale_label: Annotated[
        list[str] | None,
        typer.Option(help="With --from: words of one value, worst first; once per value. '' for none."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the trial orders; left out, a random one.")] = None,
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Check a study whole and freeze it with its pictures. Open it afterwards."""
    if source is None:
        if any(option for option in (title, question, scale_max, scale_label)):
            raise ValueError(
                "--title, --question, --scale-max and --scale-label go with --from; write them in the file"
            )
        definition = read_study_file(Path(study))
    else:
        scale = rating_scale(5 if scale_max is None else scale_max, scale_label or None)
        question = DEFAULT_QUESTION if question is None else question
        definition = read_study(source, name=study, title=title, question=question, scale=scale)
    with closing(open_store(database_url, data)) as store:
        record = store.create_study(definition, seed=seed)
    typer.echo(f"Created {record.name}: {describe(record)}.")
    typer.echo(f"Study hash {record.sha256}. Raters can come in after: scripts/study.py open {record.name}")
    if len(record.scenes) == 1:
        typer.echo("With one scene, the same scene must follow itself in every visit.")


def describe(study: StudyRecord) -> str:
    """A study's size and answers in one line."""
    answers = "two pictures at a time" if study.scale is None else f"scale {study.scale.describe()}"
    return f"{len(study.scenes)} scenes x {len(study.methods)} methods, {answers}"


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
        typer.echo(f"{study.name}  {study.status}  {study.mode}  {describe(study)}")
    if not studies:
        typer.echo("No studies yet.")


@app.command()
def status(name: Name, database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Say how far a study has come."""
    with closing(open_store(database_url, data)) as store:
        study, progress, cells = store.study(name), store.progress(name), store.cell_counts(name)
    votes = [cell.answered for cell in cells]
    reserved = sum(cell.leased for cell in cells)
    typer.echo(f"{name} is {study.status}: {progress.raters} raters, {progress.finished_raters} of them finished,")
    typer.echo(f"{progress.votes} votes on {describe(study)}.")
    wanted = "" if study.votes_wanted is None else f" of {study.votes_wanted} wanted"
    typer.echo(f"{len(cells)} cells with {min(votes)} to {max(votes)} votes{wanted}; {reserved} reserved right now.")


@app.command()
def invite(
    name: Name,
    count: Annotated[int, typer.Option(help="How many links for one rater each.", min=1)] = 1,
    *,
    open_link: Annotated[bool, typer.Option("--open-link", help="One link for any number of raters instead.")] = False,
    days: Annotated[int | None, typer.Option(help="How long the links are good; left out, for ever.")] = None,
    address: Annotated[str, typer.Option(help="Where app.py is reached.")] = "http://127.0.0.1:7860",
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Print links that let raters in; each is good for one rater, unless it is an open link."""
    with closing(open_store(database_url, data)) as store:
        visits = Visits(store, secret_key=load_secret_key(data))
        for _ in range(1 if open_link else count):
            token = visits.invite(name, max_uses=None if open_link else 1, days=days)
            typer.echo(f"{address.rstrip('/')}/study/?study={name}#invite={token}")


@app.command()
def verify(
    name: Name,
    head: Annotated[str | None, typer.Option(help="A last hash noted earlier, which must be in the chain.")] = None,
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Check the chain of votes, the journals and the frozen study; exit 1 if anything is wrong."""
    with closing(open_store(database_url, data)) as store:
        report = store.verify(name, head=head)
    for problem in report.problems:
        typer.echo(problem, err=True)
    typer.echo(f"{report.entries} entries, {report.votes} of them votes, {report.withdrawn} withdrawn.")
    if report.problems:
        raise SystemExit(1)
    typer.echo(f"The chain is whole. Its last hash: {report.head}")


@app.command()
def flags(name: Name, database_url: DatabaseUrl = None, data: DataFolder = DEFAULT_DATA) -> None:
    """Name raters whose answers ask for a look. Nobody is excluded by it."""
    with closing(open_store(database_url, data)) as store:
        raters, found = store.raters(name), store.flags(name)
    for rater, signs in found.items():
        typer.echo(f"{rater}  " + "; ".join(f"{sign.kind}: {sign.detail}" for sign in signs))
    typer.echo(f"{len(found)} of {len(raters)} raters have flags.")


@app.command()
def withdraw(
    code: Annotated[str, typer.Argument(help="The code that the rater got.")],
    database_url: DatabaseUrl = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Delete all that a rater gave, as the rater can do on the page."""
    with closing(open_store(database_url, data)) as store:
        votes = Visits(store, secret_key=load_secret_key(data)).withdraw(code)
    typer.echo(f"{votes} votes deleted; the chain keeps their hashes and says that they were withdrawn.")


study_accounts.register(app)
study_simulate.register(app)
study_tables.register(app)


def main() -> None:
    """Run a command; what a researcher can mend is said in one line, without a traceback."""
    try:
        app()
    except (StudyError, ValueError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
