"""The routes of the login: password, Hugging Face, logout."""

import secrets
from typing import Annotated

import httpx
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # ships no types
from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from study.accounts import LONGEST_PASSWORD, Accounts, Researcher, Sessions
from study.hub_login import HubLogin
from study.login_limit import LoginLimit
from study.pages.researcher.guard import SESSION_COOKIE
from study.pages.researcher.login_page import login_response

_STATE_COOKIE = "researcher_login"
_STATE_LIFETIME_S = 600


def build_login_router(
    accounts: Accounts, sessions: Sessions, *, hub: HubLogin | None, limit: LoginLimit, secret_key: str
) -> APIRouter:
    """Make `/login`, `/logout` and, where Hugging Face's login is there, `/login/huggingface` and its way back."""
    router = APIRouter(include_in_schema=False)
    _add_password_routes(router, accounts, sessions, hub=hub, limit=limit)
    if hub is not None:
        _add_hub_routes(router, accounts, sessions, hub=hub, signer=URLSafeTimedSerializer(secret_key, salt="state"))
    return router


def _add_password_routes(
    router: APIRouter, accounts: Accounts, sessions: Sessions, *, hub: HubLogin | None, limit: LoginLimit
) -> None:
    def refused(request: Request, message: str, status: int) -> Response:
        action = f"{_root(request)}/login"
        has_accounts = bool(accounts.names())
        return login_response(
            action=action, has_accounts=has_accounts, has_hub=hub is not None, message=message, status=status
        )

    @router.get("/login")
    def show_login(request: Request) -> Response:
        """The login page, or the dashboard for who is logged in already."""
        if request.state.researcher is not None:
            return RedirectResponse(f"{_root(request)}/", 303)
        return refused(request, "", 200)

    @router.post("/login")
    def log_in(
        request: Request,
        name: Annotated[str, Form(max_length=64)],
        password: Annotated[str, Form(max_length=LONGEST_PASSWORD)],
    ) -> Response:
        """Check the password; the answer to a right one sets the session's cookie."""
        address = request.client.host if request.client else "unknown"
        wait_s = limit.wait_s(address=address, name=name)
        if wait_s:
            answer = refused(request, f"Too many failed tries. Try again in {_in_words(wait_s)}.", 429)
            answer.headers["Retry-After"] = str(wait_s)
            return answer
        if not accounts.verifies(name, password):
            limit.failed(address=address, name=name)
            return refused(request, "That name and password do not fit together.", 401)
        return _let_in(request, sessions, Researcher(name=name, by_hub=False))

    @router.post("/logout")
    def log_out(request: Request) -> Response:
        """Forget the session in this browser."""
        response = RedirectResponse(f"{_root(request)}/login", 303)
        response.delete_cookie(SESSION_COOKIE, path=_root(request) or "/")
        return response


def _add_hub_routes(
    router: APIRouter, accounts: Accounts, sessions: Sessions, *, hub: HubLogin, signer: URLSafeTimedSerializer
) -> None:
    def way_back(request: Request) -> str:
        return f"{request.url.scheme}://{request.url.netloc}{_root(request)}/login/callback"

    @router.get("/login/huggingface")
    async def ask_hub(request: Request) -> Response:
        """Send the browser to Hugging Face, with a random state that must come back."""
        state = secrets.token_urlsafe(16)
        url = await hub.authorization_url(redirect_uri=way_back(request), state=state)
        response = RedirectResponse(url, 303)
        _set_cookie(request, response, _STATE_COOKIE, str(signer.dumps(state)), max_age=_STATE_LIFETIME_S)
        return response

    @router.get("/login/callback")
    async def come_back(request: Request, state: str = "", code: str = "") -> Response:
        """Let in whom Hugging Face names and the allow-list holds."""
        message, status = "Hugging Face did not confirm the login. Try again.", 401
        if code and _is_expected(request, signer, state):
            try:
                name = await hub.user_name(redirect_uri=way_back(request), code=code)
            except (OAuthError, httpx.HTTPError, KeyError):
                name = ""
            if name.lower() in hub.names:
                response = _let_in(request, sessions, Researcher(name=name, by_hub=True))
                response.delete_cookie(_STATE_COOKIE, path=_root(request) or "/")
                return response
            if name:
                message, status = f"{name} is not among this study's researchers.", 403
        has_accounts = bool(await run_in_threadpool(accounts.names))
        action = f"{_root(request)}/login"
        return login_response(action=action, has_accounts=has_accounts, has_hub=True, message=message, status=status)


def _is_expected(request: Request, signer: URLSafeTimedSerializer, state: str) -> bool:
    """Whether this browser is the one that asked: else another site could log it in as somebody else."""
    try:
        expected = signer.loads(request.cookies.get(_STATE_COOKIE, ""), max_age=_STATE_LIFETIME_S)
    except BadSignature:
        return False
    return secrets.compare_digest(str(expected).encode(), state.encode())


def _let_in(request: Request, sessions: Sessions, researcher: Researcher) -> Response:
    response = RedirectResponse(f"{_root(request)}/", 303)
    _set_cookie(request, response, SESSION_COOKIE, sessions.start(researcher), max_age=sessions.lifetime_s)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, *, max_age: int) -> None:
    """Lax and not strict: the way back from Hugging Face is a navigation begun by another site."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path=_root(request) or "/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def _root(request: Request) -> str:
    """Path the guarded application is mounted at, as the browser sees it."""
    return str(request.scope.get("root_path", ""))


def _in_words(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{-(-seconds // 60)} min"
