"""A rater's first steps, past HTTP and over it."""

from fastapi.testclient import TestClient

from study.records import Screen
from study.store import Enrolment, StudyStore

SCREEN_CHECK = {
    "screen_width": 1920,
    "screen_height": 1080,
    "viewport_width": 1280,
    "viewport_height": 800,
    "device_pixel_ratio": 1.5,
    "zoom": 1,
}


def enrol(store: StudyStore, study: str = "bokeh", *, rater_id: str | None = None) -> str:
    """Enrol a rater who agrees and whose screen is known."""
    rater = store.enrol_rater(study, Enrolment.agreed(store.words(study), rater_id=rater_id))
    store.record_screen(rater, Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None))
    return rater


def begin(browser: TestClient, study: str | None = None, **fields: object) -> dict[str, object]:
    """Agree, begin and pass the screen check; returns the state."""
    query = "" if study is None else f"?study={study}"
    consent = browser.get(f"/study/api/visit{query}").json()["study"]["consent"]["sha256"]
    named = {} if study is None else {"study": study}
    answer = browser.post("/study/api/visit", json={"consent_sha256": consent, **named, **fields})
    assert answer.status_code == 200, answer.text
    checked = browser.post(f"/study/api/screen{query}", json=SCREEN_CHECK)
    assert checked.status_code == 200, checked.text
    return checked.json()
