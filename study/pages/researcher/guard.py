"""The door of the researcher's pages: an ASGI application around everything that is mounted there.

Gradio's own `auth_dependency` leaves its assets, its theme and its login routes open. Here a request passes whole or
not at all, whatever route it was meant for, so that a route added later is closed as well.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from study.accounts import Sessions
from study.pages.researcher.login_page import login_response

SESSION_COOKIE = "researcher"
OPEN_PATHS = frozenset({"/login", "/login/huggingface", "/login/callback"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Offer = Callable[[], "tuple[bool, bool]"]


class ResearchersOnly:
    """Answers 401 to everybody without a session, and 403 to requests that another site made a browser send."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, offer: Offer) -> None:
        """Guard an application that is mounted below a path.

        Args:
            app: What is guarded; sees only requests of researchers, and those to the login itself.
            sessions: Say who is a researcher.
            offer: Whether there are accounts, and whether Hugging Face's login is there: what a 401 page offers.
        """
        self._app = app
        self._sessions = sessions
        self._offer = offer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a researcher's request on, refuse any other."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        guarded_send = _sealing(send)
        if scope["method"] not in _SAFE_METHODS and not _is_own_site(request.headers):
            await PlainTextResponse("This request came from another site.", 403)(scope, receive, guarded_send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        researcher = self._sessions.check(request.cookies.get(SESSION_COOKIE))
        if researcher is None and path not in OPEN_PATHS:
            await self._refusal(request)(scope, receive, guarded_send)
            return
        if path == "":
            await RedirectResponse(f"{scope['path']}/", 303)(scope, receive, guarded_send)
            return
        scope.setdefault("state", {})["researcher"] = researcher
        await self._app(scope, receive, guarded_send)

    def _refusal(self, request: Request) -> ASGIApp:
        """401: the login page for a browser that opens a page, one line for all else."""
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            has_accounts, has_hub = self._offer()
            return login_response(
                action=f"{request.scope.get('root_path', '')}/login", has_accounts=has_accounts, has_hub=has_hub
            )
        return PlainTextResponse("Log in as a researcher.", 401, headers={"WWW-Authenticate": "Session"})


def _is_own_site(headers: Headers) -> bool:
    """Whether a changing request came from our own page, as browsers say; a client that is no browser says nothing."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _sealing(send: Send) -> Callable[[Message], Awaitable[None]]:
    """Let nobody frame or cache what leaves here; file names of assets hold their content's hash, all else changes."""

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Cache-Control"] = "private, no-store"
            headers["Content-Security-Policy"] = "frame-ancestors 'none'"
            headers["Referrer-Policy"] = "same-origin"
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Robots-Tag"] = "noindex"
        await send(message)

    return sealed
