"""The entrance: wires the renderer, the demo page and the rating study into one web application and serves it."""

import argparse
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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
from demo.request_limits import NoFetching, RequestSizeLimit
from study.examples import ensure_example_study
from study.pages import mount_study
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
    """

    host: str = "127.0.0.1"
    port: int = 7860
    weights: Path = _HERE / "weights"
    examples: Path = _HERE / "examples"
    example_study: Path | None = _HERE / "examples" / "study"
    data: Path = Path("var")
    database_url: str | None = None
    max_upload_megabytes: int = 20

    @property
    def study_database(self) -> str:
        """Where studies and votes are kept."""
        return self.database_url or f"sqlite:///{self.data / 'study.db'}"

    @property
    def photo_cache(self) -> Path:
        """Where uploads and results live for less than an hour."""
        return self.data / "photos-in-work"


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Take settings from the command line, then from the environment, then from the defaults."""
    on_a_space = "SPACE_ID" in environment
    parser = argparse.ArgumentParser(description="Serve the bokeh demo page and the rating study.")
    parser.add_argument("--host", default="0.0.0.0" if on_a_space else Settings.host)
    parser.add_argument("--port", type=int, default=environment.get("GRADIO_SERVER_PORT", Settings.port))
    parser.add_argument("--weights", type=Path, default=environment.get("BGGAN_WEIGHTS", Settings.weights))
    parser.add_argument("--examples", type=Path, default=environment.get("BGGAN_EXAMPLES", Settings.examples))
    parser.add_argument("--data", type=Path, default=environment.get("BGGAN_DATA", Settings.data))
    parser.add_argument("--database-url", default=environment.get("DATABASE_URL"))
    parser.add_argument(
        "--max-upload-megabytes",
        type=int,
        default=environment.get("BGGAN_MAX_UPLOAD_MEGABYTES", Settings.max_upload_megabytes),
    )
    return Settings(**vars(parser.parse_args(arguments)))


def build_app(settings: Settings, *, render: Render | None = None) -> FastAPI:
    """Assemble the application.

    Args:
        settings: Where everything is.
        render: Photo to photo, uint8 [H, W, 3]; by default the trained network in `settings.weights`.
    Raises:
        ValueError, FileNotFoundError: weights, examples or the example study are missing or damaged; the message says
            what to do.
    """
    render = render or _load_renderer(settings.weights)
    examples = load_examples(settings.examples)
    _empty_photo_cache(settings.photo_cache)
    store = _open_study_store(settings)
    app = FastAPI(title="BGGAN", openapi_url=None, lifespan=_closing(store))
    app.add_middleware(RequestSizeLimit, max_bytes=(settings.max_upload_megabytes + 1) * _MEGABYTE)
    app.add_middleware(NoFetching)
    app.add_api_route("/healthz", _healthz, response_class=PlainTextResponse)
    mount_study(app, store=store, secret_key=load_secret_key(settings.data))  # before /, which takes all that is left
    _mount_demo(app, build_demo(render, examples=examples, study_path="study/"), settings)
    return app


def main() -> None:
    """Serve until interrupted."""
    settings = read_settings(sys.argv[1:], os.environ)
    try:
        app = build_app(settings)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"The app cannot start. {error}")
    # A Space is reached through a proxy of unknown address only, which says whether the visitor came by https.
    trusted_proxies = "*" if "SPACE_ID" in os.environ else None
    # One worker: Gradio keeps its queue in memory. No access log: it would keep the names of visitors' files.
    uvicorn.run(
        app, host=settings.host, port=settings.port, workers=1, access_log=False, forwarded_allow_ips=trusted_proxies
    )


def _load_renderer(weights: Path) -> Render:
    from bggan_core.rendering import Renderer  # noqa: PLC0415  tests pass a function and need no network

    return Renderer.from_folder(weights).render


def _open_study_store(settings: Settings) -> StudyStore:
    store = StudyStore(settings.study_database, data_folder=settings.data)
    if settings.example_study is not None:
        ensure_example_study(store, settings.example_study)
    return store


def _closing(store: StudyStore) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Close the store when the server stops; under uvicorn only the lifespan hears of that."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    return lifespan


def _empty_photo_cache(folder: Path) -> None:
    """Delete what an earlier process left behind, which Gradio no longer knows of, and point Gradio here."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.resolve())


def _mount_demo(app: FastAPI, demo: gr.Blocks, settings: Settings) -> None:
    """Serve the page at /; every Gradio default that keeps, sends or opens something is turned off."""
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=settings.max_upload_megabytes * _MEGABYTE,
        theme=demo_theme(),
        head=demo_head(),
    )


def _healthz() -> str:
    return "ok"


if __name__ == "__main__":
    main()
