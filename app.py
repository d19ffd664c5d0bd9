"""The entrance: wires the renderer, the demo page and the rating study into one web application and serves it."""

import argparse
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Gradio and huggingface_hub read these while they are being imported; serving never needs to leave this machine.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gradio as gr
import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from demo.examples import load_examples
from demo.page import build_demo, demo_head, demo_theme
from demo.photo_cache import PhotoCache
from demo.request_limits import NoFetching, RequestSizeLimit
from study.examples import ensure_example_study
from study.hub_login import HubLogin, read_hub_login
from study.pages import mount_study
from study.pages.mounting import mount_quietly
from study.pages.researcher import mount_dashboard
from study.store import StudyStore
from study.visits import load_secret_key

Render = Callable[[np.ndarray], np.ndarray]

_HERE = Path(__file__).resolve().parent
_MEGABYTE = 2**20


@dataclass(frozen=True)
class Settings:
    """What a running app needs to know.

    Attributes:
        host, port: Where to listen.
        weights: Folder of the trained network (`.tflite` and `manifest.json`).
        examples: Folder of the example photos and their `manifest.json`.
        example_study: Folder of the study that a fresh installation offers; None offers none.
        data: Folder for uploads in work and for the study's pictures and journal; made if missing.
        database_url: SQLAlchemy URL of the studies' database; None keeps it in `data`.
        max_upload_megabytes: Largest photo file accepted.
        enrolments_per_hour: Most raters that may begin from one network address; 0 for no limit.
        hub_login: Researchers' login by Hugging Face; None where it offers none, as outside of a Space.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    weights: Path = _HERE / "weights"
    examples: Path = _HERE / "examples"
    example_study: Path | None = _HERE / "examples" / "study"
    data: Path = _HERE / "var"
    database_url: str | None = None
    max_upload_megabytes: int = 20
    enrolments_per_hour: int = 60
    hub_login: HubLogin | None = None

    @property
    def study_database(self) -> str:
        """Where studies and votes are kept."""
        return self.database_url or f"sqlite:///{self.data / 'study.db'}"

    @property
    def photo_caches(self) -> Path:
        """Where each running server keeps its uploads and results, for less than an hour."""
        return self.data / "photos-in-work"


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Take settings from the command line, then from the environment, then from the defaults."""
    on_a_space = "SPACE_ID" in environment
    parser = argparse.ArgumentParser(description="Serve the bokeh demo page and the rating study.")
    parser.add_argument(
        "--host", default="0.0.0.0" if on_a_space else Settings.host, help="address to listen on (%(default)s)"
    )

    def add(option: str, *, variable: str, default: object, explanation: str, kind: type = str) -> None:
        # Of the defaults only, because $DATABASE_URL may hold a password.
        told = f"{explanation} (${variable}, else {default})".replace("%", "%%")
        parser.add_argument(option, type=kind, default=environment.get(variable, default), help=told)

    add("--port", variable="GRADIO_SERVER_PORT", default=Settings.port, kind=int, explanation="port to listen on")
    add("--weights", variable="BGGAN_WEIGHTS", default=Settings.weights, kind=Path, explanation="the network's folder")
    add(
        "--examples",
        variable="BGGAN_EXAMPLES",
        default=Settings.examples,
        kind=Path,
        explanation="folder of the page's example photos",
    )
    add(
        "--data",
        variable="BGGAN_DATA",
        default=Settings.data,
        kind=Path,
        explanation="folder for studies, votes, keys and photos in work",
    )
    add(
        "--database-url",
        variable="DATABASE_URL",
        default=None,
        explanation="postgresql://... for studies and votes; none is SQLite in the data folder",
    )
    add(
        "--max-upload-megabytes",
        variable="BGGAN_MAX_UPLOAD_MEGABYTES",
        default=Settings.max_upload_megabytes,
        kind=int,
        explanation="largest photo taken",
    )
    add(
        "--enrolments-per-hour",
        variable="BGGAN_ENROLMENTS_PER_HOUR",
        default=Settings.enrolments_per_hour,
        kind=int,
        explanation="visits that one network address may begin in an hour; 0 for any number",
    )
    return Settings(**vars(parser.parse_args(arguments)), hub_login=read_hub_login(environment))


def build_app(settings: Settings, *, render: Render | None = None) -> FastAPI:
    """Assemble the application.

    Args:
        settings: Where everything is.
        render: Photo to photo, uint8 [H, W, 3]; by default the trained network in `settings.weights`.
    Raises:
        ValueError, OSError: weights, examples or the example study are missing or damaged, the database cannot be
            opened or its driver is missing, or the data folder cannot be used; the message says what to do.
    """
    render = render or _load_renderer(settings.weights)
    examples = load_examples(settings.examples)
    store = _open_study_store(settings)
    photo_cache = PhotoCache(settings.photo_caches)
    os.environ["GRADIO_TEMP_DIR"] = str(photo_cache.folder)
    app = FastAPI(title="BGGAN", openapi_url=None, lifespan=_closing(store, photo_cache))
    app.add_middleware(RequestSizeLimit, max_bytes=(settings.max_upload_megabytes + 1) * _MEGABYTE)
    app.add_middleware(NoFetching)
    app.add_api_route("/healthz", _healthz, response_class=PlainTextResponse)
    secret_key = load_secret_key(settings.data)
    # Before /, which takes all that is left.
    mount_study(app, store=store, secret_key=secret_key, enrolments_per_hour=settings.enrolments_per_hour or None)
    mount_dashboard(app, store=store, data_folder=settings.data, secret_key=secret_key, hub=settings.hub_login)
    _mount_demo(app, build_demo(render, examples=examples, study_path="study/"), settings)
    return app


def main() -> None:
    """Serve until interrupted."""
    settings = read_settings(sys.argv[1:], os.environ)
    try:
        with ExitStack() as on_failure:
            listener = on_failure.enter_context(_listen(settings.host, settings.port))  # first: it may be busy
            app = build_app(settings)
            on_failure.pop_all()
    except (ValueError, OSError) as error:
        sys.exit(f"The app cannot start. {error}")
    # A Space is reached through a proxy of unknown address only, which says whether the visitor came by https.
    trusted_proxies = "*" if "SPACE_ID" in os.environ else None
    # One worker: Gradio keeps its queue in memory. No access log: it would keep the names of visitors' files.
    config = uvicorn.Config(app, workers=1, access_log=False, forwarded_allow_ips=trusted_proxies)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"The app is at http://{host}:{listener.getsockname()[1]} (Ctrl+C ends it)", flush=True)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port; visitors who come before the app is built wait for it.

    Raises:
        ValueError: the port or the host cannot be had.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, got {port}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"Port {port} is in use, maybe by another copy of this app. Stop that one, or choose another port by "
                f"--port {port + 1} or GRADIO_SERVER_PORT={port + 1}."
            ) from error
        raise ValueError(f"It cannot listen on --host {host} --port {port}: {error}") from error


def _load_renderer(weights: Path) -> Render:
    from bggan_core.rendering import Renderer  # noqa: PLC0415  tests pass a function and need no network

    return Renderer.from_folder(weights).render


def _open_study_store(settings: Settings) -> StudyStore:
    try:
        store = StudyStore(settings.study_database, data_folder=settings.data)
    except ImportError as error:
        raise ValueError(
            f"The Python driver of the database named by --database-url or DATABASE_URL is not installed ({error}): "
            "install it with pip, or name a database whose driver is there."
        ) from error
    if settings.example_study is not None:
        ensure_example_study(store, settings.example_study)
    return store


def _closing(store: StudyStore, photo_cache: PhotoCache) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Close the store and delete the photos when the server stops; under uvicorn only the lifespan hears of that."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()
        photo_cache.close()

    return lifespan


def _mount_demo(app: FastAPI, demo: gr.Blocks, settings: Settings) -> None:
    """Serve the page at /."""
    mount_quietly(
        app,
        demo,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        max_file_size=settings.max_upload_megabytes * _MEGABYTE,
        theme=demo_theme(),
        head=demo_head(),
    )


def _healthz() -> str:
    return "ok"


if __name__ == "__main__":
    main()
