"""/admin is closed to everybody without a session, whatever they ask for, and open to researchers."""

import gc
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route
from starlette.websockets import WebSocketDisconnect

from study.accounts import Accounts
from study.hub_login import HubLogin
from study.login_limit import FAILURES_OF_AN_ADDRESS
from study.pages.researcher import mount_dashboard
from study.store import StudyStore
from tests.api.conftest import Served
from tests.study.simulated import make_study

# Mounting a Gradio page outside of a running loop makes loops that Gradio leaves to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PASSWORD = "correct horse battery"
KEY = "a key for tests only"
PAGE = {"accept": "text/html"}
# Gradio's queue, uploads, files and routes by name, our views, and spellings that a sloppy guard would let through.
PATHS = (
    "",
    "/",
    "/config",
    "/info",
    "/theme.css",
    "/assets/index.js",
    "/static/img/logo.svg",
    "/gradio_api/info",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data?session_hash=x",
    "/gradio_api/queue/status",
    "/gradio_api/heartbeat/x",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/upload",
    "/gradio_api/startup-events",
    "/gradio_api/app_id",
    "/monitoring",
    "/view",
    "/view?study=ratings&tab=scores",
    "/table/ratings/mos_by_method.csv",
    "/picture/ratings/" + "0" * 64,
    "/logout",
    "/login/",
    "//login",
    "/login/../view",
    "/%2e%2e/admin/view",
    "/docs",
    "/openapi.json",
    "/nothing",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyStore]:
    folder = tmp_path_factory.mktemp("admin")
    store = StudyStore(f"sqlite:///{folder / 'study.db'}", data_folder=folder)
    make_study(store, folder / "pictures", mode="rating", name="ratings")
    yield store
    store.close()
    gc.collect()  # here, where what Gradio left open is expected


def closed_app(store: StudyStore, data: Path, hub: HubLogin | None = None) -> FastAPI:
    app = FastAPI()
    mount_dashboard(app, store=store, data_folder=data, secret_key=KEY, hub=hub)
    return app


@pytest.fixture(scope="module")
def app(store: StudyStore, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    data = tmp_path_factory.mktemp("accounts")
    Accounts(data).add("ada", PASSWORD)
    return closed_app(store, data)


def browser_of(app: FastAPI) -> TestClient:
    """A browser of its own, which follows nothing by itself."""
    return TestClient(app, follow_redirects=False, base_url="http://testserver")


def logged_in(app: FastAPI) -> TestClient:
    browser = browser_of(app)
    assert browser.post("/admin/login", data={"name": "ada", "password": PASSWORD}).status_code == 303
    return browser


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_served_app_answers_401_without_a_session(
    served: Served, http: httpx.Client, *, method: str, path: str
) -> None:
    """The whole app, over HTTP: pages, configuration, queue, files and assets alike."""
    assert http.request(method, f"{served.address}/admin{path}", follow_redirects=False).status_code == 401


def test_every_route_there_is_answers_401(app: FastAPI) -> None:
    """Taken from the application itself, so that a route added later is in this test too."""
    outside = browser_of(app)
    paths = sorted(set(_paths_below(app, "")))
    assert len(paths) > 40
    assert {"/admin/config", "/admin/view", "/admin/gradio_api/queue/join", "/admin/gradio_api/upload"} <= set(paths)
    for path in paths:
        if path not in {"/admin/login", "/admin/login/huggingface", "/admin/login/callback"}:
            assert outside.get(path).status_code == 401, path


def _paths_below(app: object, prefix: str) -> Iterator[str]:
    """Every path under /admin; FastAPI keeps an included router as one entry with the router inside."""
    for route in getattr(app, "routes", []):
        if isinstance(route, Mount):
            yield from _paths_below(getattr(route.app, "_app", route.app), prefix + route.path)
        elif hasattr(route, "original_router"):
            yield from _paths_below(route.original_router, prefix)
        elif isinstance(route, Route) and (prefix + route.path).startswith("/admin"):
            yield (prefix + route.path).replace("{", "").replace("}", "").replace(":path", "")


def test_websockets_are_refused(app: FastAPI) -> None:
    """No route has one today; none opens a way around the door."""
    with pytest.raises(WebSocketDisconnect) as refusal, browser_of(app).websocket_connect("/admin/queue/join"):
        pass
    assert refusal.value.code == 1008


def test_login_page_says_nothing_of_studies(app: FastAPI) -> None:
    """401 with a form, without a script, an asset or a name."""
    answer = browser_of(app).get("/admin/", headers=PAGE)
    assert answer.status_code == 401
    assert 'type="password"' in answer.text
    for word in ("<script", "ratings", "glassnet", "src="):
        assert word not in answer.text


def test_without_accounts_it_says_how_to_make_one_and_stays_closed(store: StudyStore, tmp_path: Path) -> None:
    """No default name, no default password."""
    outside = browser_of(closed_app(store, tmp_path))
    answer = outside.get("/admin/", headers=PAGE)
    assert answer.status_code == 401
    assert "account add NAME" in answer.text
    assert "<form" not in answer.text
    for name, password in (("admin", "admin"), ("ada", ""), ("", "")):
        assert outside.post("/admin/login", data={"name": name, "password": password}).status_code in {401, 422}


def test_researcher_comes_in_and_out(app: FastAPI) -> None:
    """The cookie is HttpOnly, SameSite and of /admin alone; after the logout it opens nothing."""
    browser = browser_of(app)
    cookie = browser.post("/admin/login", data={"name": "ada", "password": PASSWORD}).headers["set-cookie"]
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/admin", "Max-Age=43200"):
        assert attribute in cookie
    assert browser.get("/admin").headers["location"] == "/admin/"
    assert browser.get("/admin/config").status_code == 200
    view = browser.get("/admin/view")
    assert "ratings" in view.text
    assert view.headers["cache-control"] == "private, no-store"
    assert view.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert browser.get("/admin/view", headers={"If-None-Match": view.headers["etag"]}).status_code == 304
    assert browser.post("/admin/logout").status_code == 303
    assert browser.get("/admin/view").status_code == 401


def test_cookie_is_secure_over_https(app: FastAPI) -> None:
    """As behind a Space's proxy."""
    browser = TestClient(app, follow_redirects=False, base_url="https://testserver")
    assert "Secure" in browser.post("/admin/login", data={"name": "ada", "password": PASSWORD}).headers["set-cookie"]


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_requests_of_other_sites_are_refused(app: FastAPI, headers: dict[str, str]) -> None:
    """Neither logging in nor out can be done by somebody else's page."""
    browser = logged_in(app)
    for path in ("/admin/login", "/admin/logout", "/admin/gradio_api/queue/join"):
        assert browser.post(path, headers=headers).status_code == 403
    assert browser.get("/admin/view").status_code == 200


def test_guessing_is_slowed_down(store: StudyStore, tmp_path: Path) -> None:
    """After five wrong passwords even the right one has to wait."""
    Accounts(tmp_path).add("ada", PASSWORD)
    browser = browser_of(closed_app(store, tmp_path))
    for _ in range(FAILURES_OF_AN_ADDRESS):
        assert browser.post("/admin/login", data={"name": "ada", "password": "wrong"}).status_code == 401
    answer = browser.post("/admin/login", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_unknown_study_and_picture_say_so(app: FastAPI) -> None:
    """Names that are none give a sentence or 404, nothing else."""
    browser = logged_in(app)
    assert "There is no study named &lt;b&gt;." in browser.get("/admin/view", params={"study": "<b>"}).text
    assert browser.get("/admin/picture/ratings/" + "0" * 64).status_code == 404
    assert browser.get("/admin/picture/ratings/..%2f..%2fsecret.key").status_code == 404
    assert browser.get("/admin/table/ratings/votes.csv").status_code == 404


class _Provider(BaseHTTPRequestHandler):
    """Hugging Face's token and userinfo routes, for one code."""

    def do_POST(self) -> None:
        """Trade the code for a token."""
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        good = form.get("code") == ["good"]
        self._answer(
            200 if good else 400, b'{"access_token": "t", "token_type": "bearer"}' if good else b'{"error": "x"}'
        )

    def do_GET(self) -> None:
        """Say who the token belongs to."""
        self._answer(200, b'{"preferred_username": "' + self.server.user + b'"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Provider)
    server.user = b"Ada"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def hub_of(provider: HTTPServer) -> HubLogin:
    return HubLogin("id", "secret", f"http://127.0.0.1:{provider.server_port}", frozenset({"ada"}))


def test_listed_hub_user_comes_in(store: StudyStore, tmp_path: Path, provider: HTTPServer) -> None:
    """There and back: the state that was sent must return in the same browser."""
    browser = browser_of(closed_app(store, tmp_path, hub_of(provider)))
    assert "Log in with Hugging Face" in browser.get("/admin/", headers=PAGE).text
    asked = urlsplit(browser.get("/admin/login/huggingface").headers["location"])
    query = parse_qs(asked.query)
    assert query["redirect_uri"] == ["http://testserver/admin/login/callback"]
    back = {"state": query["state"][0], "code": "good"}
    assert browser.get("/admin/login/callback", params={**back, "state": "another"}).status_code == 401
    assert browser.get("/admin/login/callback", params={**back, "code": "bad"}).status_code == 401
    stranger = browser_of(closed_app(store, tmp_path, hub_of(provider)))
    assert stranger.get("/admin/login/callback", params=back).status_code == 401
    assert browser.get("/admin/login/callback", params=back).headers["location"] == "/admin/"
    assert browser.get("/admin/view").status_code == 200


def test_unlisted_hub_user_stays_outside(store: StudyStore, tmp_path: Path, provider: HTTPServer) -> None:
    """Being known to Hugging Face is not enough."""
    provider.user = b"mallory"
    browser = browser_of(closed_app(store, tmp_path, hub_of(provider)))
    state = parse_qs(urlsplit(browser.get("/admin/login/huggingface").headers["location"]).query)["state"][0]
    answer = browser.get("/admin/login/callback", params={"state": state, "code": "good"})
    assert answer.status_code == 403
    assert "mallory is not among" in answer.text
    assert browser.get("/admin/view").status_code == 401
