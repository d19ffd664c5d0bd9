"""Putting the dashboard together and behind its door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from study.accounts import Accounts, Sessions
from study.dashboard import Dashboard
from study.hub_login import HubLogin
from study.login_limit import LoginLimit
from study.pages.mounting import mount_quietly
from study.pages.researcher.guard import ResearchersOnly
from study.pages.researcher.login import build_login_router
from study.pages.researcher.views import build_view_router
from study.store import StudyStore

_STATIC = Path(__file__).parents[1] / "static"


def build_researcher_page() -> gr.Blocks:
    """Make the page: one HTML component whose script asks for the views below it; no Gradio event, no stored value."""
    with gr.Blocks(title="Researchers · rating studies", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=_static("researcher.html"),
            js_on_load=_static("researcher.js"),
            apply_default_css=False,
            elem_id="researcher",
        )
    return page


def researcher_head() -> str:
    """The page's style and viewport, for the document's head."""
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f'{viewport}<meta name="robots" content="noindex"><style>{_static("researcher.css")}</style>'


def mount_dashboard(
    app: FastAPI,
    *,
    store: StudyStore,
    data_folder: Path,
    secret_key: str,
    hub: HubLogin | None = None,
    path: str = "/admin",
) -> None:
    """Serve the dashboard. Call it before anything is mounted at `/`.

    Args:
        app: Gets `{path}` and all below it; its lifespan runs the dashboard's.
        store: Where studies and votes are kept; the caller closes it.
        data_folder: Holds the researchers' accounts, and metrics of the studies where there are any.
        secret_key: Signs the sessions.
        hub: Login by Hugging Face; None offers none.
        path: Where the page is, starting with a slash and ending without one.
    """
    accounts = Accounts(data_folder)
    hub_names = frozenset() if hub is None else hub.names
    sessions = Sessions(accounts, secret_key=secret_key, hub_names=hub_names)
    inside = FastAPI(openapi_url=None)
    inside.include_router(build_login_router(accounts, sessions, hub=hub, limit=LoginLimit(), secret_key=secret_key))
    inside.include_router(build_view_router(Dashboard(store, metrics_folder=data_folder / "metrics")))
    _mount_page(inside)
    guarded = ResearchersOnly(inside, sessions=sessions, offer=lambda: (bool(accounts.names()), hub is not None))
    app.router.routes.append(Route(path, _Below(guarded, path)))
    app.mount(path, guarded)
    _run_lifespan_of(inside, app)


def _mount_page(inside: FastAPI) -> None:
    mount_quietly(
        inside,
        build_researcher_page(),
        path="/",
        max_file_size=1,  # bytes: Gradio's upload route is always there, and researchers have nothing to upload
        head=researcher_head(),
    )


class _Below:
    """Hands the path without the slash, which a mount does not match, to what is mounted there."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as the mount would."""
        await self._app({**scope, "root_path": scope.get("root_path", "") + self._path}, receive, send)


def _run_lifespan_of(inside: FastAPI, app: FastAPI) -> None:
    """Mounted applications hear nothing of start and stop; Gradio needs both."""
    outer = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[object]:
        async with outer(running) as state, inside.router.lifespan_context(inside):
            yield state

    app.router.lifespan_context = lifespan  # type: ignore[assignment]  # as Gradio does it


def _static(name: str) -> str:
    """Read one of the page's static files."""
    return (_STATIC / name).read_text(encoding="utf-8")
