"""Rehearse a study with simulated raters over its real interface: `scripts/study.py simulate`."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import httpx
import typer

from study.simulation.browser import RequestRefused
from study.simulation.rehearsal import Rehearsal
from study.simulation.researcher import invite_simulated, load_truth, refuse_people
from study.simulation.traits import RaterTraits, draw_population, parse_mix
from study.simulation.visit import DEFAULT_TIE_PROMINENCE, VisitReport, summarise
from study.store import StudyStore
from study.visits import load_secret_key

DEFAULT_MIX = "honest=.7,noisy=.1,biased=.05,straight=.05,side=.05,leaving=.05"
_DEFAULT_DATA = Path(__file__).resolve().parent.parent / "var"  # where app.py keeps it


def register(study: typer.Typer) -> None:
    """Add the command `simulate` to the study's commands."""
    study.command()(simulate)


def simulate(
    name: Annotated[str, typer.Argument(help="The study's name; it must be open.")],
    *,
    url: Annotated[str, typer.Option(help="Where app.py serves it.")] = "http://127.0.0.1:7860",
    raters: Annotated[int, typer.Option(help="How many raters come.")] = 40,
    mix: Annotated[str, typer.Option(help="Shares of honest, biased, noisy, straight, side, leaving.")] = DEFAULT_MIX,
    seed: Annotated[int, typer.Option(help="Of the raters and their answers.")] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="True qualities in points of the scale (0-5 for pairs), JSON or CSV; left out, by SSIM.",
        ),
    ] = None,
    tie_prominence: Annotated[
        float, typer.Option(help="Davidson's nu, where ties are offered.")
    ] = DEFAULT_TIE_PROMINENCE,
    at_once: Annotated[int, typer.Option(help="Raters at the same time; with 1, votes are repeatable.", min=1)] = 2,
    mixed_with_real: Annotated[
        bool, typer.Option("--mixed-with-real", help="Allow it in a study that people have rated.")
    ] = False,
    database_url: Annotated[
        str | None, typer.Option("--database-url", envvar="DATABASE_URL", help="As given to app.py.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", envvar="BGGAN_DATA", help="As given to app.py.")] = _DEFAULT_DATA,
) -> None:
    """Send simulated raters through an open study, by HTTP as browsers do. They stay marked as simulated."""
    shares = parse_mix(mix)
    with closing(StudyStore(database_url or f"sqlite:///{data / 'study.db'}", data_folder=data)) as store:
        study = store.study(name)
        if not mixed_with_real:
            refuse_people(store, name)
        rehearsal = Rehearsal(
            study=name,
            truth=load_truth(store, study, truth),
            seed=seed,
            invitation=invite_simulated(store, name, secret_key=load_secret_key(data)),
            tie_prominence=tie_prominence,
        )
    population = draw_population(shares, raters=raters, trials=study.trials_per_visit, seed=seed)
    for line in summarise(_send(rehearsal, population, url=url, at_once=at_once)):
        typer.echo(line)


def _send(rehearsal: Rehearsal, population: list[RaterTraits], *, url: str, at_once: int) -> list[VisitReport]:
    """Run the rehearsal with a line of progress; say what to do where the server will not have it."""
    with typer.progressbar(length=len(population), label="Raters") as bar:
        try:
            return rehearsal.run(
                population,
                new_client=lambda: httpx.Client(base_url=url, timeout=60),
                at_once=at_once,
                on_report=lambda _report: bar.update(1),
            )
        except httpx.TransportError as error:
            raise ValueError(f"No study server answers at {url} ({error}). Start app.py, or give its --url.") from error
        except RequestRefused as refusal:
            raise ValueError(_advice(refusal, url)) from refusal


def _advice(refusal: RequestRefused, url: str) -> str:
    """What a researcher can do about a refusal."""
    if refusal.code in {"unknown_invitation", "unknown_study", "no_study_open"}:
        return f"The server at {url} does not know what this command sees. Give app.py's --data and --database-url."
    if refusal.code == "study_closed":
        return "The study is closed. Open it by: scripts/study.py open NAME"
    return f"The server refused a simulated rater: {refusal}"
