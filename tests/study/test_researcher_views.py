"""The researcher's views as HTML: ordinary choices and odd addresses are answered, if only in words."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.dashboard import Dashboard
from study.pages.researcher.grids import SCREENINGS, screening_grid
from study.pages.researcher.rendering import render, rows_of
from study.pages.researcher.tabs import TABS
from study.pages.researcher.views import build_view_router
from study.store import StudyStore
from study.tables import SCREENING_RULES, StudyFacts, StudyVotes, screening_ranks
from tests.study.filling import SetClock, fill_study
from tests.study.simulated import make_study
from tests.study.statistics.planted import ratings_that_bt500_turns_round

QUALITIES = {"glassnet": 3.5, "unprocessed": 1.0, "truth": 40.0}  # clipped to 5 by every rater
SCENES = ("bench", "cat+dog", "two words")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def dashboard(folder: Path) -> Iterator[Dashboard]:
    """Five raters of a rating study with a hidden reference that all of them rate 5, three of a pairwise one."""
    clock = SetClock()
    store = StudyStore(f"sqlite:///{folder / 'study.db'}", data_folder=folder, clock=clock)
    make_study(
        store,
        folder / "a",
        mode="rating",
        name="ratings",
        scenes=SCENES,
        methods=("glassnet", "unprocessed"),
        hidden_reference="truth",
    )
    make_study(store, folder / "b", mode="pairwise", name="pairs", methods=("glassnet", "unprocessed"), ties=True)
    make_study(store, folder / "c", mode="rating", name="empty")
    fill_study(store, "ratings", raters=5, qualities=QUALITIES, clock=clock)
    fill_study(store, "pairs", raters=3, qualities=QUALITIES, clock=clock)
    yield Dashboard(store, metrics_folder=folder / "metrics", now=clock)
    store.close()


@pytest.fixture(scope="module")
def client(dashboard: Dashboard) -> Iterator[TestClient]:
    """Raises what a server would answer 500 to."""
    app = FastAPI()
    app.include_router(build_view_router(dashboard))
    with TestClient(app) as client:
        yield client


def view(client: TestClient, **query: object) -> str:
    """The HTML of a view that must be answered."""
    answer = client.get("/view", params={"study": "ratings", **query})
    assert answer.status_code == 200
    return answer.text


def told(page: str) -> str:
    """What the page says where it has nothing to show."""
    return html.unescape(re.sub(r"<[^>]+>", " ", " ".join(re.findall(r'<p class="bench-empty">(.*?)</p>', page))))


def test_arrows_point_up_for_the_method_that_rose(dashboard: Dashboard) -> None:
    """BT.500 leaves out the rater who turned the means round: m1 rises from rank 2 to 1, m0 falls from 1 to 2."""
    facts = StudyFacts("turned", "Turned round", "7" * 64, "rating", "any numbers")
    votes = StudyVotes(facts, ratings=ratings_that_bt500_turns_round(), comparisons=None)
    grid = screening_grid([row for row in rows_of(screening_ranks(votes)) if row["view"] in {"none", "bt500"}])
    context = {"grid": grid, "excluded": [], "names": SCREENINGS, "download": []}
    page = render("screening.html", {"overview": dashboard.overview("ratings"), **context})
    arrows = re.findall(r'<th scope="row">(m\d)</th>.*?<b title="(\w+) than without screening">(.)1</b>', page, re.S)
    assert sorted(arrows) == [("m0", "worse", "▼"), ("m1", "better", "▲")]


@pytest.mark.parametrize("tab", ["scores", "tests"])
def test_only_screenings_that_can_be_applied_are_offered(client: TestClient, tab: str) -> None:
    """P.910 Annex E leaves nobody out, so no table can rest on it; asked for by hand, the default is shown."""
    page = view(client, tab=tab, screening="p910")
    (select,) = re.findall(r'<select name="screening">(.*?)</select>', page)
    offered = re.findall(r'<option value="(\w+)"( selected)?>', select)
    assert tuple(rule for rule, _ in offered) == SCREENING_RULES
    assert [rule for rule, selected in offered if selected] == ["none"]
    for rule in SCREENING_RULES:
        assert f'<option value="{rule}" selected>' in view(client, tab=tab, screening=rule)


def test_equal_votes_are_no_pilot_and_the_page_says_so(client: TestClient) -> None:
    """All fifteen votes on the hidden reference are 5."""
    page = view(client, tab="planning", method="truth")
    assert "all 15 votes on truth are equal" in told(page)
    assert "By formula" in page


@pytest.mark.parametrize("field", ["half_width", "difference", "power", "scenes", "repeats", "deviation"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_every_plan_that_the_form_allows_is_answered(client: TestClient, field: str, end: str) -> None:
    """Power, too: at the significance itself chance alone has it."""
    (fields,) = re.findall(rf'<input name="{field}" ([^>]*)>', view(client, tab="planning"))
    value = dict(re.findall(r'(\w+)="([^"]*)"', fields))[end]
    page = view(client, tab="planning", **{field: value})
    assert re.search(rf'<input name="{field}" [^>]*value="{re.escape(value)}"', page)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"scene,method,metric,value\nbench,glassnet,LPIPS,far\n", "finite"),
        (b"scene,method,LPIPS\nbench,glassnet,0.1\n", "metric, value missing"),
        (b"scene,method,metric,value\nbench,glassnet,\xff\xfe,1\n", "UTF-8"),
        (b"", "no CSV file"),
        (None, "cannot be opened"),
    ],
)
def test_faulty_file_of_metrics_is_named_with_what_is_wrong(
    client: TestClient, folder: Path, content: bytes | None, says: str
) -> None:
    """A folder in its place (None) as well; the study's other tabs stay in reach."""
    file = folder / "metrics" / "ratings.csv"
    file.parent.mkdir(exist_ok=True)
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    try:
        page = view(client, tab="metrics")
    finally:
        file.rmdir() if content is None else file.unlink()
    assert "metrics/ratings.csv" in told(page)
    assert says in told(page)
    assert 'href="?study=ratings&amp;tab=scores"' in page


@pytest.mark.parametrize("study", ["ratings", "pairs", "nowhere"])
def test_values_that_nobody_offers_are_no_error(client: TestClient, study: str) -> None:
    """In every tab, those of other studies included."""
    odd = ("p910", "nan", "<script>", "x" * 500)
    names = ("screening", "interval", "confidence", "method", "opponent", "scene", "half_width", "power", "scenes")
    for tab in (*TABS, "nowhere"):
        for value in odd:
            assert "<script>" not in view(client, study=study, tab=tab, **dict.fromkeys(names, value))


def test_every_cell_leads_to_its_own_scene(client: TestClient) -> None:
    """A name may hold what means something else in an address: `+` there is a space."""
    page = view(client, tab="scores")
    links = re.findall(r'<td [^>]*title="(.+?), \w+: MOS[^>]*>\s*<a href="\?([^"]+)"', page)
    assert {scene for scene, _ in links} == set(SCENES)
    for scene, query in links:
        asked = {name: values[0] for name, values in parse_qs(html.unescape(query)).items()}
        assert asked == {"study": "ratings", "tab": "pictures", "scene": scene}
        assert f"<h2>{scene}</h2>" in view(client, **asked)


@pytest.mark.parametrize("address", ["/view?study=%00", "/picture/%00/0", "/table/%00/mos.csv"])
def test_a_name_that_no_database_takes_is_refused(client: TestClient, address: str) -> None:
    """PostgreSQL would answer a query with a NUL by an error."""
    assert client.get(address).status_code == 422
