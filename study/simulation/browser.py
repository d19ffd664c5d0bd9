"""A rater's browser without a page: the same requests, in the same order, over the real interface.

It knows what a browser is told and nothing else; that its raters are simulated stands in the invitation alone.
"""

import time
from typing import Any

import httpx

Json = dict[str, Any]

_PAUSES_S = (0.5, 1.0, 2.0)  # between tries, where the line or the server failed


class RequestRefused(Exception):  # noqa: N818  named as what happened, like the study's own errors
    """The server refused a request; `code` is the study's word for the reason."""

    def __init__(self, answer: httpx.Response) -> None:
        detail = _detail(answer)
        self.status = answer.status_code
        self.code = str(detail.get("code", ""))
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {detail}")


class RaterBrowser:
    """One browser with a cookie jar of its own, in one study."""

    def __init__(self, client: httpx.Client, *, study: str) -> None:
        """Use a client that nobody else uses; its base_url is the server's."""
        self._client = client
        self._study = study

    def read_study(self) -> Json:
        """The study's words and scale, before anything is agreed to."""
        study: Json = self._json("GET", "study/api/visit", params={"study": self._study})["study"]
        return study

    def begin(self, study: Json, *, attempt: str, invitation: str | None) -> Json:
        """Agree to the consent text as shown and begin; returns the state."""
        body = {
            "study": self._study,
            "attempt": attempt,
            "language": study["language"],
            "consent_sha256": study["consent"]["sha256"],
            **({} if invitation is None else {"invitation": invitation}),
        }
        state: Json = self._json("POST", "study/api/visit", json=body)["visit"]
        return state

    def describe_screen(self, screen: Json) -> Json:
        """Pass the screen check."""
        return self._json("POST", "study/api/screen", params={"study": self._study}, json=screen)

    def read_state(self) -> Json:
        """Where the visit stands."""
        return self._json("GET", "study/api/trial", params={"study": self._study})

    def vote(self, answer: Json) -> Json:
        """Answer a trial; sent again after a lost reply, it is still one vote."""
        return self._json("POST", "study/api/vote", json=answer)

    def undo(self, token: str) -> Json:
        """Take the last answer back."""
        return self._json("POST", "study/api/undo", json={"trial": token})

    def picture(self, path: str) -> bytes:
        """Fetch one picture."""
        return self._request("GET", path).content

    def _json(self, method: str, path: str, **options: Any) -> Json:
        answer: Json = self._request(method, path, **options).json()
        return answer

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask, again where the line or the server fails, as the page does.

        Raises:
            RequestRefused: a 4xx, or a 5xx that stayed.
            httpx.TransportError: no server answered.
        """
        url = self._client.base_url.join(path)
        for pause_s in (*_PAUSES_S, None):
            try:
                answer = self._client.request(method, url, **options)
            except httpx.TransportError:
                if pause_s is None:
                    raise
            else:
                if answer.is_success:
                    return answer
                if answer.status_code < 500 or pause_s is None:
                    break
            time.sleep(pause_s)
        raise RequestRefused(answer)


def _detail(answer: httpx.Response) -> Json:
    """The study's reason, or whatever else the server said."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    return detail if isinstance(detail, dict) else {"message": detail}
