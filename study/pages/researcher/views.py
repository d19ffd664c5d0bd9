"""The routes behind the door: one rendered view per request, the stored pictures, and tables as CSV."""

import hashlib
import io
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from PIL import Image

from study.api import WITHOUT_NUL
from study.dashboard import Dashboard
from study.errors import UnknownStudy
from study.export.documents import frame_csv
from study.pages.researcher.rendering import render
from study.pages.researcher.tabs import TABS, Wish, studies_view, study_view, tabs_of

_PREVIEW_PIXELS = 1000  # of the longer side: what a card shows at twice its width
Text = Annotated[str, Query(max_length=120, pattern=WITHOUT_NUL)]
Name = Annotated[str, Path(max_length=120, pattern=WITHOUT_NUL)]


def build_view_router(dashboard: Dashboard) -> APIRouter:
    """Make `/view`, `/picture/...` and `/table/...` for this dashboard."""
    router = APIRouter(include_in_schema=False)
    _add_view_route(router, dashboard)
    _add_file_routes(router, dashboard)
    return router


def _add_view_route(router: APIRouter, dashboard: Dashboard) -> None:
    @router.get("/view")
    def show_view(request: Request, study: Text = "", tab: Text = "") -> Response:
        """What the address bar names, as HTML; 304 where the reader has it already."""
        wish = Wish(study, tab, {name: value[:120] for name, value in request.query_params.items()})
        try:
            html = render_view(dashboard, wish)
        except UnknownStudy:
            html = render("message.html", {"message": f"There is no study named {study}."})
        tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return HTMLResponse(html, headers={"ETag": tag})


def render_view(dashboard: Dashboard, wish: Wish) -> str:
    """The list of studies, or one tab of one study, as HTML; raises UnknownStudy."""
    if not wish.study:
        return studies_view(dashboard)
    overview = dashboard.overview(wish.study)
    tabs = tabs_of(overview)
    tab = wish.tab if wish.tab in tabs else next(iter(tabs))
    return study_view(overview, tab=tab, content=TABS[tab].build(dashboard, overview, wish))


def _add_file_routes(router: APIRouter, dashboard: Dashboard) -> None:
    @router.get("/picture/{study}/{sha256}")
    def show_picture(study: Name, sha256: Name, size: Text = "preview") -> Response:
        """A stored picture: a JPEG that fits a card, or the PNG that raters see."""
        try:
            png = dashboard.picture(study, sha256)
        except (UnknownStudy, KeyError, FileNotFoundError) as error:
            raise HTTPException(404, "There is no such picture.") from error
        if size == "full":
            return Response(png, media_type="image/png")
        return Response(_preview(png), media_type="image/jpeg")

    @router.get("/table/{study}/{table}.csv")
    def download_table(request: Request, study: Name, table: Name) -> Response:
        """One table of the export, under the analysis that the page was showing."""
        wish = Wish(study, "", {name: value[:120] for name, value in request.query_params.items()})
        try:
            frame = dashboard.table(study, table, wish.analysis())
        except (UnknownStudy, ValueError) as error:
            raise HTTPException(404, "There is no such table.") from error
        csv = frame_csv(frame)
        named = f'attachment; filename="{study}-{table}.csv"'
        return Response(csv, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


def _preview(png: bytes) -> bytes:
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_PREVIEW_PIXELS, _PREVIEW_PIXELS), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()
