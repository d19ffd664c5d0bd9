"""Fill a copy of the example study with SIMULATED raters: a finished study to look at, labelled as such."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

# Run as a file, Python puts scripts/ first on the path, where study.py hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import httpx
import typer
import uvicorn
from fastapi import FastAPI

from scripts.study_simulate import DEFAULT_MIX
from study.api import build_router
from study.definition import read_study
from study.simulation.rehearsal import Rehearsal
from study.simulation.researcher import invite_simulated
from study.simulation.traits import draw_population, parse_mix
from study.simulation.truth import PictureTruth
from study.simulation.visit import summarise
from study.store import StudyStore
from study.visits import Visits, load_secret_key

NAME = "example-simulated"
TITLE = "Example study, rated by simulated raters"
_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "study"


def main(
    to: Annotated[Path, typer.Option(help="Data folder to make, as app.py's --data; must not hold the study yet.")],
    source: Annotated[Path, typer.Option("--from", help="Folder with ground_truth/ and the methods.")] = _EXAMPLE,
    raters: Annotated[int, typer.Option(help="How many simulated raters.")] = 40,
    mix: Annotated[str, typer.Option(help="Shares of the kinds of raters.")] = DEFAULT_MIX,
    seed: Annotated[int, typer.Option(help="Of the trial orders, the raters and their answers.")] = 2020,
) -> None:
    """Create, open, rate over HTTP and close the study; the same options give the same votes."""
    with closing(StudyStore(f"sqlite:///{to / 'study.db'}", data_folder=to)) as store:
        study = store.create_study(read_study(source, name=NAME, title=TITLE), seed=seed)
        store.open_study(NAME)
        key = load_secret_key(to)
        app = FastAPI()
        app.include_router(build_router(Visits(store, secret_key=key)))
        population = draw_population(parse_mix(mix), raters=raters, trials=study.trials_per_visit, seed=seed)
        invitation = invite_simulated(store, NAME, secret_key=key)
        rehearsal = Rehearsal(study=NAME, truth=PictureTruth(), seed=seed, invitation=invitation)
        with serving(app) as url:
            reports = rehearsal.run(population, new_client=lambda: httpx.Client(base_url=url, timeout=60))
        store.close_study(NAME)
        votes = len(store.votes(NAME))
    for line in summarise(reports):
        typer.echo(line)
    typer.echo(f"{NAME} in {to}: {votes} votes, all of them simulated.")


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app from a thread of this process on a free port; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    typer.run(main)
