"""The rater's page at /study: a Gradio page whose script talks to the study's own JSON routes.

No Gradio event carries a vote: the queue is shared with slow work and refuses when it is full, and a Gradio event's
configuration and cached files are open to everyone. The script is a set of JavaScript modules that the study serves
itself, under an address that changes with their content, so that browsers keep them for good and never mix versions.
"""

import hashlib
from pathlib import Path
from urllib.parse import urlencode

import gradio as gr
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from study.api import build_router
from study.pages.mounting import mount_quietly
from study.store import StudyStore
from study.visits import Visits

_STATIC = Path(__file__).parent / "static"
_KEEP_FOR_GOOD = "public, max-age=31536000, immutable"
# Gradio runs this once with `element`, the component's container.
_START = """
const page = location.pathname.replace(/\\/*$/, "/");
import(page + "scripts/VERSION/main.js").then(
  (module) => module.start(element.querySelector(".rater")),
  () => {
    const [text, again] = element.querySelectorAll("#rater-message p, #rater-retry");
    text.textContent = "The page could not be loaded as a whole.";
    again.hidden = false;
    again.addEventListener("click", () => location.reload());
    addEventListener("online", () => location.reload());
  },
);
"""


def build_rater_page() -> gr.Blocks:
    """Make the page: one HTML component that fills the window, without any event."""
    with gr.Blocks(title="Rating study", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=_static("rater.html"),
            js_on_load=_START.replace("VERSION", _version(_scripts())),
            apply_default_css=False,
            elem_id="rater",
        )
    return page


def rater_head() -> str:
    """The page's style, viewport and scripts to be loaded early, for the document's head."""
    scripts = _scripts()
    style = _static("rater.css") + _static("rater-trial.css")
    early = "".join(f'<link rel="modulepreload" href="scripts/{_version(scripts)}/{name}">' for name in scripts)
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
    return f'{viewport}<meta name="robots" content="noindex"><style>{style}</style>{early}'


def mount_study(
    app: FastAPI, *, store: StudyStore, secret_key: str, path: str = "/study", enrolments_per_hour: int | None = None
) -> None:
    """Serve the rater's page, its routes and the stimuli. Call it before anything is mounted at `/`.

    Args:
        app: Gets `{path}/`, `{path}/api/*`, `{path}/scripts/*` and `/stimuli/{token}`.
        store: Where studies and votes are kept; the caller closes it.
        secret_key: Signs raters' cookies; `load_secret_key` keeps one in a folder.
        path: Where the page is, starting with a slash and ending without one.
        enrolments_per_hour: How many raters one network address may enrol within an hour; None sets no limit.
    """
    visits = Visits(store, secret_key=secret_key, enrolments_per_hour=enrolments_per_hour)
    app.include_router(build_router(visits, path=path))
    _add_scripts(app, path=path)

    @app.get(path, include_in_schema=False)
    def add_slash(request: Request) -> RedirectResponse:
        """Gradio answers 404 without the slash."""
        query = f"?{urlencode(request.query_params.multi_items())}" if request.query_params else ""
        return RedirectResponse(f"{request.scope.get('root_path', '')}{path}/{query}")

    mount_quietly(
        app,
        build_rater_page(),
        path=path,
        max_file_size=1,  # bytes: Gradio's upload route is always there, and raters have nothing to upload
        head=rater_head(),
    )


def _add_scripts(app: FastAPI, *, path: str) -> None:
    """Serve the page's modules; a page loaded before an update asks for its own version and learns that it is gone."""
    scripts = _scripts()
    version = _version(scripts)

    @app.get(f"{path}/scripts/{{asked}}/{{name}}", include_in_schema=False)
    def read_script(asked: str, name: str) -> Response:
        """One module of the page's script."""
        if asked != version or name not in scripts:
            raise HTTPException(404, "There is no such script. Reload the page.")
        return Response(scripts[name], media_type="text/javascript", headers={"Cache-Control": _KEEP_FOR_GOOD})


def _scripts() -> dict[str, str]:
    """The modules by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((_STATIC / "rater").glob("*.js"))}


def _version(scripts: dict[str, str]) -> str:
    """Name the modules' content."""
    return hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in scripts.items()).encode()).hexdigest()[:16]


def _static(name: str) -> str:
    """Read one of the page's static files."""
    return (_STATIC / name).read_text(encoding="utf-8")
