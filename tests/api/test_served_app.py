"""What the running app serves, what it refuses, and what it does not keep."""

import httpx

from tests.api.conftest import Served


def test_start_deletes_photos_an_earlier_process_left(served: Served) -> None:
    """Gradio would never delete them, as it tracks only its own process's files."""
    assert not served.leftover.exists()
    assert served.leftover.parents[1].is_dir()


def test_health_page_and_study_answer(address: str, http: httpx.Client) -> None:
    """/healthz, the page and the study are there."""
    assert http.get(f"{address}/healthz").text == "ok"
    assert "gradio" in http.get(address).text
    assert http.get(f"{address}/study", follow_redirects=True).status_code == 200


def test_gradio_keeps_and_opens_nothing(address: str, http: httpx.Client) -> None:
    """No history, no monitoring, no telemetry, no server-side node, no installable app."""
    config = http.get(f"{address}/config").json()
    assert config["analytics_enabled"] is False
    assert config["pwa"] is False
    assert config["footer_links"] == []
    assert config["max_file_size"] == 4 * 2**20
    assert config.get("run_history") in (None, False)
    assert http.get(f"{address}/gradio_api/runs").status_code == 404
    assert http.get(f"{address}/monitoring/summary").status_code in (401, 403, 404)


def test_queue_is_the_only_way_to_render(address: str, http: httpx.Client) -> None:
    """Direct calls, which would go past the limit of one rendering at a time, are refused."""
    answer = http.post(f"{address}/gradio_api/run/render", json={"data": [None]})
    assert answer.status_code == 404


def test_request_that_announces_too_much_is_refused(address: str, http: httpx.Client) -> None:
    """413 before the body is read."""
    answer = http.post(f"{address}/gradio_api/upload", files={"files": ("big.jpg", bytes(6 * 2**20))})
    assert answer.status_code == 413


def test_request_that_hides_its_length_is_refused(address: str, http: httpx.Client) -> None:
    """A chunked body is counted while it arrives."""
    answer = http.post(f"{address}/gradio_api/queue/join", content=(bytes(2**20) for _ in range(6)))
    assert answer.status_code == 413


def test_file_over_the_limit_is_refused(address: str, http: httpx.Client) -> None:
    """Gradio's own limit holds for the single file."""
    answer = http.post(f"{address}/gradio_api/upload", files={"files": ("big.jpg", bytes(4 * 2**20 + 1))})
    assert answer.status_code == 413


def test_raters_page_takes_no_files(address: str, http: httpx.Client) -> None:
    """Gradio mounts an upload route with every page; here it refuses whatever comes."""
    answer = http.post(f"{address}/study/gradio_api/upload", files={"files": ("a.jpg", b"12")})
    assert answer.status_code == 413
