"""The JSON routes and the pictures' route behind the rater's page.

What leaves here: a study's words and scale, random tokens, progress, pixels. What never does: a method, a scene, a
file name, a sha256, an id that counts.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from study.errors import (
    NoStudyOpen,
    NotARater,
    OffScale,
    StudyClosed,
    StudyError,
    UnknownPicture,
    UnknownStudy,
    UnknownTrial,
)
from study.records import Answer, StudyRecord, Trial, VisitState
from study.stimuli import MEDIA_TYPE
from study.visits import COOKIE_LIFETIME_S, Visits

_STATUS_AND_CODE: dict[type[StudyError], tuple[int, str]] = {
    NoStudyOpen: (404, "no_study_open"),
    UnknownStudy: (404, "unknown_study"),
    UnknownTrial: (404, "unknown_trial"),
    UnknownPicture: (404, "unknown_picture"),
    StudyClosed: (410, "study_closed"),
    NotARater: (401, "not_a_rater"),
    OffScale: (422, "off_scale"),
}
StudyName = Annotated[str, Field(max_length=64)]
Token = Annotated[str, Field(max_length=64)]
Attempt = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class BeginRequest(BaseModel):
    """A rater agrees and begins.

    `study` may be left out where one is open. `attempt` is 128 random bits, made once by the page: a request sent again
    because its reply was lost enrols nobody twice.
    """

    model_config = ConfigDict(extra="forbid")
    study: StudyName | None = None
    attempt: Attempt | None = None


class VoteRequest(BaseModel):
    """An answer, with the trial's token and the screen it was given on."""

    model_config = ConfigDict(extra="forbid", strict=True)
    trial: Token
    value: int
    response_ms: int = Field(ge=0, le=24 * 3600 * 1000)
    viewport_width: int = Field(gt=0, le=100_000)
    viewport_height: int = Field(gt=0, le=100_000)
    device_pixel_ratio: float = Field(gt=0, le=100, strict=False)


class _StudyRoute(APIRoute):
    """Refuses what the study refuses, with a 4xx and `{"detail": {"code", "message"}}`, and lets nothing be cached."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                response = await handle(request)
            except StudyError as error:
                status, code = _STATUS_AND_CODE[type(error)]
                response = JSONResponse({"detail": {"code": code, "message": str(error)}}, status)
            response.headers["Cache-Control"] = "private, no-store"
            return response

        return handle_or_refuse


def build_router(visits: Visits, *, path: str = "/study") -> APIRouter:
    """Make the routes `{path}/api/*` and `/stimuli/{token}` for these visits.

    Args:
        visits: Answers for raters.
        path: Where the rater's page is mounted; its script asks below it.
    """
    router = APIRouter(route_class=_StudyRoute, include_in_schema=False)
    _add_visit_routes(router, visits, path=path)
    _add_trial_routes(router, visits, path=path)
    return router


def _add_visit_routes(router: APIRouter, visits: Visits, *, path: str) -> None:
    """Who is here and where they stand."""

    @router.get(f"{path}/api/visit")
    def read_visit(request: Request, study: StudyName | None = None) -> dict[str, object]:
        """The study's words, and where this browser's rater stands if there is one."""
        state = visits.resume(request.cookies, study_name=study)
        return {"study": _study_json(visits.study(study)), "visit": state and _state_json(request, state)}

    @router.post(f"{path}/api/visit")
    def begin_visit(request: Request, response: Response, begin: BeginRequest) -> dict[str, object]:
        """Begin or resume; the answer sets the rater's cookie."""
        visit = visits.begin(request.cookies, study_name=begin.study, attempt=begin.attempt)
        response.set_cookie(
            visit.cookie_name,
            visit.cookie_value,
            max_age=COOKIE_LIFETIME_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return {"study": _study_json(visit.study), "visit": _state_json(request, visit.state)}


def _add_trial_routes(router: APIRouter, visits: Visits, *, path: str) -> None:
    """What is shown and what was answered."""

    @router.get(f"{path}/api/trial")
    def read_trial(request: Request, study: StudyName | None = None) -> dict[str, object]:
        """The trial whose turn it is, and progress."""
        state = visits.resume(request.cookies, study_name=study)
        if state is None:
            raise NotARater("You have not begun this study.")
        return _state_json(request, state)

    @router.post(f"{path}/api/vote")
    def record_vote(request: Request, vote: VoteRequest) -> dict[str, object]:
        """Keep an answer; when this returns, the vote is on the disk. Sending it again changes nothing."""
        answer = Answer(**vote.model_dump(exclude={"trial"}))
        return _state_json(request, visits.answer(request.cookies, answer, trial_token=vote.trial))

    @router.get("/stimuli/{token}", name="stimulus")
    def read_stimulus(request: Request, token: Token) -> Response:
        """One picture of the rater's own trials."""
        picture = visits.picture(request.cookies, token=token)
        return Response(picture, media_type=MEDIA_TYPE, headers={"X-Content-Type-Options": "nosniff"})


def _study_json(study: StudyRecord) -> dict[str, object]:
    """The study as raters may know it."""
    return {
        "name": study.name,
        "title": study.title,
        "question": study.question,
        "scale": [{"value": point.value, "label": point.label} for point in study.scale.points],
        "trials": len(study.scenes) * len(study.methods),
    }


def _state_json(request: Request, state: VisitState) -> dict[str, object]:
    """Progress, the current trial with its token, and the next pictures without theirs: its turn has not come."""
    current = state.current and {"token": state.current.token, **_pictures_json(request, state.current)}
    upcoming = state.upcoming and _pictures_json(request, state.upcoming)
    return {"answered": state.answered, "total": state.total, "trial": current, "upcoming": upcoming}


def _pictures_json(request: Request, trial: Trial) -> dict[str, object]:
    """Where the two pictures of a trial are, and their size in pixels."""
    return {
        "ground_truth": request.url_for("stimulus", token=trial.ground_truth_token).path,
        "picture": request.url_for("stimulus", token=trial.stimulus_token).path,
        "width": trial.width,
        "height": trial.height,
    }
