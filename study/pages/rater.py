"""The rater's page at /study: a Gradio page whose script talks to the study's own JSON routes.

No Gradio event carries a vote: the queue is shared with slow work and refuses when it is full, and a Gradio event's
configuration and cached files are open to everyone.
"""

from pathlib import Path
from urllib.parse import urlencode

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from study.api import build_router
from study.store import StudyStore
from study.visits import Visits

_STATIC = Path(__file__).parent / "static"


def build_rater_page() -> gr.Blocks:
    """Make the page: one HTML component that fills the window, without any event."""
    with gr.Blocks(title="Rating study", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=_static("rater.html"),
            js_on_load=_static("rater.js"),
            apply_default_css=False,
            elem_id="rater",
        )
    return page


def rater_head() -> str:
    """The page's style and viewport, for the document's head."""
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
    return f'{viewport}<meta name="robots" content="noindex"><style>{_static("rater.css")}</style>'


def mount_study(app: FastAPI, *, store: StudyStore, secret_key: str, path: str = "/study") -> None:
    """Serve the rater's page, its routes and the stimuli. Call it before anything is mounted at `/`.

    Args:
        app: Gets `{path}/`, `{path}/api/*` and `/stimuli/{token}`.
        store: Where studies and votes are kept; the caller closes it.
        secret_key: Signs raters' cookies; `load_secret_key` keeps one in a folder.
        path: Where the page is, starting with a slash and ending without one.
    """
    app.include_router(build_router(Visits(store, secret_key=secret_key), path=path))

    @app.get(path, include_in_schema=False)
    def add_slash(request: Request) -> RedirectResponse:
        """Gradio answers 404 without the slash."""
        query = f"?{urlencode(request.query_params.multi_items())}" if request.query_params else ""
        return RedirectResponse(f"{request.scope.get('root_path', '')}{path}/{query}")

    gr.mount_gradio_app(
        app,
        build_rater_page(),
        path=path,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        show_error=False,
        max_file_size=1,  # bytes: Gradio's upload route is always there, and raters have nothing to upload
        head=rater_head(),
    )


def _static(name: str) -> str:
    """Read one of the page's static files."""
    return (_STATIC / name).read_text(encoding="utf-8")
