"""A rater's browser is told nothing of methods, scenes, files or other raters; and the search for it can fail."""

import base64
import hashlib
import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from study.simulation.browser import RaterBrowser
from study.simulation.traits import RaterTraits
from study.simulation.truth import PictureTruth
from study.simulation.visit import SimulatedRater
from study.stimuli import load_picture, pixel_sha256
from study.store import StudyStore
from tests.study import crawl
from tests.study.leaks import LEAKS, PLANT_HEADER
from tests.study.servers import leaky_server
from tests.study.simulated import make_study

METHODS = ("Kwyjibo-Net", "zorblax_v7", "quux unprocessed")
SCENES = ("axolotl_at_dusk", "quagga-in-fog", "wombat.07")


@dataclass(frozen=True)
class Blind:
    """A served app with one open study whose names no page would hold by chance, and all that must stay secret."""

    url: str
    name: str
    secrets: tuple[str, ...]
    scene_of: dict[str, str]  # by pixels
    stored: tuple[Path, ...]

    @contextmanager
    def client(self, *, plant: str | None = None) -> Iterator[httpx.Client]:
        """A browser without cookies; `plant` asks the server to leak."""
        # A kept connection may be closed by the server, after five idle seconds, while a slow machine sends on it.
        headers = {"connection": "close", **({} if plant is None else {PLANT_HEADER: plant})}
        with httpx.Client(base_url=self.url, timeout=120, follow_redirects=True, headers=headers) as client:
            yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[dict[str, Blind]]:
    """One app with a rating study and a pairwise one."""
    data = tmp_path_factory.mktemp("blind") / "vault-of-data"
    with closing(StudyStore(f"sqlite:///{data / 'study.db'}", data_folder=data)) as store:
        studies = {
            mode: make_study(
                store,
                data.parent / f"vault-of-{mode}",
                mode=mode,
                name=mode,
                scenes=[scene + mode[0] for scene in SCENES],
                methods=METHODS,
            )
            for mode in ("rating", "pairwise")
        }
    with leaky_server(data) as url:
        yield {mode: blind_study(url, data, study) for mode, study in studies.items()}


def blind_study(url, data, study) -> Blind:
    sources = sorted((data.parent / f"vault-of-{study.mode}").rglob("*.png"))
    stored = sorted((data / "stimuli").rglob("*.png"))
    pixels = {pixel_sha256(load_picture(path)): path.stem for path in sources}
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (*sources, *stored)]
    secrets = (*METHODS, *SCENES, *study.scenes, study.sha256, *files, *pixels, "vault-of-", "sqlite:", "study.db")
    return Blind(url, study.name, secrets, pixels, tuple(stored))


@pytest.fixture(scope="module", params=["rating", "pairwise"])
def blind(request, served) -> Blind:
    return served[request.param]


def visit(blind, client, *, seed):
    """Everything that one rater's browser receives from the first page to the last answer, pages included."""
    received = crawl.recording(client)
    open_pages(client, blind.name)
    rater = SimulatedRater(RaterTraits("honest", slip_share=0.2), truth=PictureTruth(), rng=np.random.default_rng(seed))
    rater.visit(RaterBrowser(client, study=blind.name), invitation=None)
    return received


def fresh_visit(blind, *, seed):
    """A visit by a new browser."""
    with blind.client() as client:
        return visit(blind, client, seed=seed)


def open_pages(client, name):
    """The page as a browser loads it: the document, all it refers to on this server, what Gradio's client asks."""
    page = client.get("/study", params={"study": name})
    linked = set(re.findall(r"""(?:src|href)=["']?(?:\./)?([^"'> ]+)""", page.text))
    for path in sorted(link for link in linked if not re.match(r"(https?:)?//|data:|#|mailto:", link)):
        client.get(page.url.join(path))
    for path in ("config", "gradio_api/info", "theme.css", "gradio_api/startup-events", "gradio_api/app_id"):
        client.get(f"/study/{path}")
    client.get("/config")


@pytest.fixture(scope="module")
def visits(blind) -> list[list[crawl.Received]]:
    return [fresh_visit(blind, seed=seed) for seed in range(3)]


def everything(visits):
    return list(itertools.chain.from_iterable(visits))


def find_all(blind, *visits):
    """Every kind of leak in these visits."""
    received = everything(visits)
    return [
        *crawl.find_names(received, blind.secrets),
        *crawl.find_countable(received),
        *crawl.find_metadata(received),
        *crawl.find_unequal_pictures(received, blind.scene_of.__getitem__),
        *crawl.find_shared_urls(*visits),
        *crawl.find_equal_files(received),
        *crawl.find_pattern(crawl.tokens_of(received)),
    ]


def test_a_whole_visit_tells_no_name_no_count_and_no_hash(blind, visits):
    assert find_all(blind, *visits) == []


def test_the_crawl_saw_pages_configuration_and_every_picture(blind, visits):
    """Else an empty finding would mean nothing."""
    for received in visits:
        kinds = {dict(answer.headers).get("content-type", "").split(";")[0] for answer in received}
        assert {"text/html", "application/json", "image/png"} <= kinds
        pictures = [answer for answer in received if answer.is_picture]
        shown = {pixel_sha256(Image.open(io.BytesIO(answer.body))) for answer in pictures}
        assert shown == set(blind.scene_of)
        assert all(answer.status < 400 or answer.method == "GET" for answer in received)


def test_equal_stimuli_of_two_raters_and_of_two_trials_differ_in_url(blind, visits):
    urls = defaultdict(set)
    trials = 0
    for received in visits:
        for answer in received:
            if answer.is_picture:
                urls[pixel_sha256(Image.open(io.BytesIO(answer.body)))].add(answer.url)
                trials += 1
    assert len(urls) == len(blind.scene_of)
    assert all(len(different) >= len(visits) for different in urls.values())
    assert sum(len(different) for different in urls.values()) == trials


def test_no_two_files_are_equal_though_pictures_are(blind, visits):
    """Each scene's ground truth alone comes again with every method, and to every rater."""
    pictures = {answer.url: answer.body for received in visits for answer in received if answer.is_picture}
    shown = {pixel_sha256(Image.open(io.BytesIO(body))) for body in pictures.values()}
    assert len(set(pictures.values())) == len(pictures) > 2 * len(shown)


def test_a_picture_has_the_same_bytes_each_time_it_is_fetched(blind):
    with blind.client() as client:
        received = visit(blind, client, seed=8)
        pictures = {answer.url: answer.body for answer in received if answer.is_picture}
        again = [client.get(url) for url in pictures]
        there = [answer for answer in again if answer.status_code == 200]  # an answer taken back gets new addresses
        assert len(there) > 10
        assert all(answer.content == pictures[str(answer.url)] for answer in there)


def test_the_cookie_holds_no_name_and_no_count(blind):
    with blind.client() as client:
        visit(blind, client, seed=5)
        [(name, value)] = client.cookies.items()
    assert name == f"rater_{blind.name}"
    claim = value.split(".")[0]
    told = base64.urlsafe_b64decode(claim + "=" * (-len(claim) % 4))
    study, rater = json.loads(told)
    assert study == blind.name
    assert crawl.TOKEN.fullmatch(rater)


def test_gradios_own_routes_hand_out_no_stimulus_and_no_name(blind):
    with blind.client() as client:
        visit(blind, client, seed=6)
        received = crawl.recording(client)
        for mount in ("", "/study"):
            probe_gradio(client, mount, blind.stored[0])
    pictures = {path.read_bytes() for path in blind.stored}
    assert len(received) > 30
    assert not [str(answer) for answer in received if answer.body in pictures or b"SQLite format" in answer.body]
    # What the forger sent may come back to them, and the demo's upload says where it keeps the visitor's own photo.
    sent = ("vault-of-", blind.stored[0].stem)
    answers = [answer for answer in received if not any(word in answer.url for word in sent)]
    answers = [answer for answer in answers if not answer.url.endswith("/gradio_api/upload") or "/study/" in answer.url]
    assert crawl.find_names(answers, blind.secrets) == []


def probe_gradio(client, mount, stored):
    """Ask every route of Gradio's that hands out files, events or statistics; streams that never end are left out."""
    data = stored.parents[2]
    for path in (stored, stored.parent, data / "study.db", data / "secret.key", data / "secret.key.txt"):
        client.get(f"{mount}/gradio_api/file={path}")
        client.get(f"{mount}/file={path}")
    for route in ("queue/status", "runs", "monitoring", "config", "info"):
        client.get(f"{mount}/gradio_api/{route}")
    client.get(f"{mount}/monitoring/summary")
    client.get(f"{mount}/static/{stored.name}")
    body = {"data": [stored.name], "fn_index": 0, "session_hash": "forged"}
    client.post(f"{mount}/gradio_api/queue/join", json=body)
    client.post(f"{mount}/gradio_api/run/predict", json=body)
    client.post(f"{mount}/gradio_api/upload", files={"files": ("a.png", b"no picture")})


def test_no_route_lists_stimuli_or_serves_them_by_hash(blind):
    with blind.client() as client:
        visit(blind, client, seed=7)
        for path in ("", "/", "/0", "/1", *[f"/{stored.stem}" for stored in blind.stored]):
            assert client.get(f"/stimuli{path}").status_code in {404, 405, 422}, path


@pytest.mark.parametrize(
    ("leak", "finding"),
    [
        ("in_header", r"zorblax_v7 \(plain\)"),
        ("in_page", r"quagga-in-fog \(plain\)"),
        ("in_cookie", r"Kwyjibo-Net \(base64\)"),
        ("as_number", "stimulus = 17"),
        ("as_etag", "etag"),
        ("as_text_chunk", "chunk tEXt"),
        ("as_length", "kinds of files"),
        ("as_escaped_json", r"wombat.07 \(plain\)"),
        ("as_cacheable", "may be cached"),
        ("as_stored", "equal files"),
        ("as_counted_mark", "neither zeros nor made of the address"),
    ],
)
def test_a_planted_leak_is_found(blind, leak, finding):
    with blind.client(plant=leak) as client:
        found = find_all(blind, visit(blind, client, seed=100 + list(LEAKS).index(leak)))
    assert [text for text in found if re.search(finding, text)], found


def test_every_leak_that_can_be_planted_is_looked_for():
    [marks] = [mark for mark in test_a_planted_leak_is_found.pytestmark if mark.name == "parametrize"]
    assert [leak for leak, _ in marks.args[1]] == list(LEAKS)


def test_urls_that_two_visits_share_are_found(blind):
    first = fresh_visit(blind, seed=9)
    assert crawl.find_shared_urls(first, first)


@pytest.mark.parametrize(
    "token",
    [
        lambda number: number.to_bytes(16),
        lambda number: hashlib.sha256(b"the study's name").digest()[:14] + number.to_bytes(2),
        lambda number: (1_790_000_000_000 + 350 * number).to_bytes(8) + hashlib.sha256(bytes([number])).digest()[:8],
    ],
    ids=["counter", "prefix and counter", "clock and random half"],
)
def test_tokens_that_count_are_found(token):
    assert crawl.find_pattern([base64.urlsafe_b64encode(token(number)).decode()[:22] for number in range(120)])


def test_random_tokens_have_no_pattern():
    rng = np.random.default_rng(12)
    assert crawl.find_pattern([base64.urlsafe_b64encode(rng.bytes(16)).decode()[:22] for _ in range(120)]) == []


@pytest.mark.parametrize("token", ["17", "a" * 21, "quagga/in/fog/in/fog/i"])
def test_short_tokens_are_found(token):
    body = json.dumps({"trial": {"token": token}}).encode()
    answer = crawl.Received("GET", "http://x/study/api/trial", 200, (("content-type", "application/json"),), body)
    assert crawl.find_countable([answer])
