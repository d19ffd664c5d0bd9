"""The JSON routes and the pictures' route behind the rater's page.

What leaves here: a study's words and scale, random tokens, progress, pixels. What never does: a method, a scene, a
file name, a sha256 of a picture, an id that counts, or what a trial is for.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from study import errors
from study.errors import NotARater, StudyError, TooManyEnrolments
from study.records import Answer, Screen, StudyRecord, StudyWords, Trial
from study.stimuli import MEDIA_TYPE
from study.visits import COOKIE_LIFETIME_S, BeginRequest, Visit, Visits

_STATUS_AND_CODE: dict[type[StudyError], tuple[int, str]] = {
    errors.NoStudyOpen: (404, "no_study_open"),
    errors.UnknownStudy: (404, "unknown_study"),
    errors.UnknownTrial: (404, "unknown_trial"),
    errors.UnknownPicture: (404, "unknown_picture"),
    errors.UnknownLink: (404, "unknown_link"),
    errors.UnknownCode: (404, "unknown_code"),
    errors.UnknownInvitation: (404, "unknown_invitation"),
    errors.NotARater: (401, "not_a_rater"),
    errors.InvitationNeeded: (403, "invitation_needed"),
    errors.InvitationUsed: (409, "invitation_used"),
    errors.ConsentChanged: (409, "consent_changed"),
    errors.StudyFull: (409, "study_full"),
    errors.StudyClosed: (410, "study_closed"),
    errors.LeaseExpired: (410, "lease_expired"),
    errors.Withdrawn: (410, "withdrawn"),
    errors.InvitationExpired: (410, "invitation_expired"),
    errors.OffScale: (422, "off_scale"),
    errors.ConsentNeeded: (422, "consent_needed"),
    errors.TooManyEnrolments: (429, "too_many_enrolments"),
}
_UNKNOWN_CLIENT = "unknown"
# PostgreSQL's texts hold no NUL and it refuses a query with one. Other letters that no name has find nothing: a 404.
WITHOUT_NUL = r"^[^\x00]*$"
StudyName = Annotated[str, Field(max_length=64, pattern=WITHOUT_NUL)]
Language = Annotated[str, Field(max_length=16)]
Token = Annotated[str, Field(max_length=64, pattern=WITHOUT_NUL)]
SignedToken = Annotated[str, Field(max_length=512)]
Pixels = Annotated[int, Field(gt=0, le=100_000)]
Ratio = Annotated[float, Field(gt=0, le=100, strict=False)]


class _Body(BaseModel):
    """Nothing unknown and nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BeginBody(_Body):
    """A rater agrees and begins; all fields may be left out by those who began before.

    `attempt` is 128 random bits, made once by the page: a request sent again because its reply was lost enrols nobody
    twice.
    """

    study: StudyName | None = None
    attempt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    language: Language | None = None
    consent_sha256: Annotated[str, Field(max_length=64)] | None = None
    invitation: SignedToken | None = None


class ResumeBody(_Body):
    """The token of a personal link."""

    link: SignedToken


class ScreenBody(_Body):
    """What the browser knows of the screen, in CSS pixels."""

    screen_width: Pixels
    screen_height: Pixels
    viewport_width: Pixels
    viewport_height: Pixels
    device_pixel_ratio: Ratio
    zoom: Ratio = 1.0
    color_gamut: Literal["srgb", "p3", "rec2020"] | None = None
    pointer: Literal["fine", "coarse"] | None = None
    dark_room: bool | None = None


class VoteBody(_Body):
    """An answer, with the trial's token and the screen it was given on."""

    trial: Token
    value: Annotated[int, Field(ge=-100, le=100)] | None = None  # the scale decides; databases end at 64 bits
    choice: Literal["left", "right", "tie"] | None = None
    response_ms: int = Field(ge=0, le=24 * 3600 * 1000)
    viewport_width: Pixels
    viewport_height: Pixels
    device_pixel_ratio: Ratio
    zoomed: int = Field(default=0, ge=0, le=100_000)


class UndoBody(_Body):
    """The token of the trial whose answer is taken back."""

    trial: Token


class WithdrawBody(_Body):
    """The code that a rater got."""

    code: Annotated[str, Field(max_length=64)]


class _StudyRoute(APIRoute):
    """Refuses what the study refuses, with a 4xx and `{"detail": {"code", "message"}}`, and lets nothing be cached."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                response = await handle(request)
            except RequestValidationError as error:
                response = _malformed(error)
            except StudyError as error:
                status, code = _STATUS_AND_CODE[type(error)]
                response = JSONResponse({"detail": {"code": code, "message": str(error)}}, status)
                if isinstance(error, TooManyEnrolments):
                    response.headers["Retry-After"] = str(error.retry_after_s)
            response.headers["Cache-Control"] = "private, no-store"
            return response

        return handle_or_refuse


def _malformed(error: RequestValidationError) -> Response:
    """Say what is wrong with a body, as FastAPI does, but without repeating it.

    What was sent may be no JSON (NaN) or no text (half of a surrogate pair): repeating it would end in a 500.
    """
    wrong = [
        {"type": each["type"], "loc": [str(part).encode("ascii", "replace").decode() for part in each["loc"]]}
        for each in error.errors()
    ]
    return JSONResponse({"detail": wrong}, 422)


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
    def read_visit(request: Request, study: StudyName | None = None, lang: Language | None = None) -> dict[str, object]:
        """The study's words, and where this browser's rater stands if there is one."""
        visit = visits.resume(request.cookies, study_name=study)
        record = visits.study(study) if visit is None else visit.study
        words = visits.words(record, lang or (None if visit is None else visit.state.language))
        return {"study": _study_json(visits, record, words), "visit": visit and _state_json(request, visit, path=path)}

    @router.post(f"{path}/api/visit")
    def begin_visit(request: Request, response: Response, begin: BeginBody) -> dict[str, object]:
        """Begin or resume; the answer sets the rater's cookie."""
        asked = BeginRequest(
            study_name=begin.study,
            language=begin.language,
            consent_sha256=begin.consent_sha256,
            attempt=begin.attempt,
            invitation=begin.invitation,
            client=request.client.host if request.client else _UNKNOWN_CLIENT,
        )
        return enter(request, response, visits.begin(request.cookies, asked))

    @router.post(f"{path}/api/resume")
    def resume_visit(request: Request, response: Response, resume: ResumeBody) -> dict[str, object]:
        """Resume by the personal link; the answer sets the rater's cookie."""
        return enter(request, response, visits.resume_by_link(resume.link))

    @router.post(f"{path}/api/withdraw")
    def withdraw(body: WithdrawBody) -> dict[str, object]:
        """Delete all that the rater with this code gave."""
        return {"withdrawn_votes": visits.withdraw(body.code)}

    def enter(request: Request, response: Response, visit: Visit) -> dict[str, object]:
        response.headers.append("Set-Cookie", _cookie(request, visit))
        words = visits.words(visit.study, visit.state.language)
        return {"study": _study_json(visits, visit.study, words), "visit": _state_json(request, visit, path=path)}


def _add_trial_routes(router: APIRouter, visits: Visits, *, path: str) -> None:
    """What is shown and what was answered."""

    @router.get(f"{path}/api/trial")
    def read_trial(request: Request, study: StudyName | None = None) -> dict[str, object]:
        """The trial whose turn it is, and progress."""
        visit = visits.resume(request.cookies, study_name=study)
        if visit is None:
            raise NotARater("You have not begun this study.")
        return _state_json(request, visit, path=path)

    @router.post(f"{path}/api/screen")
    def check_screen(request: Request, screen: ScreenBody, study: StudyName | None = None) -> dict[str, object]:
        """Keep what the browser says of its screen."""
        visit = visits.check_screen(request.cookies, Screen(**screen.model_dump()), study_name=study)
        return _state_json(request, visit, path=path)

    @router.post(f"{path}/api/vote")
    def record_vote(request: Request, vote: VoteBody) -> dict[str, object]:
        """Keep an answer; when this returns, the vote is on the disk. Sending it again changes nothing."""
        answer = Answer(**vote.model_dump(exclude={"trial"}))
        return _state_json(request, visits.answer(request.cookies, answer, trial_token=vote.trial), path=path)

    @router.post(f"{path}/api/undo")
    def undo(request: Request, body: UndoBody) -> dict[str, object]:
        """Take back the last answer; the same question comes again under new tokens."""
        return _state_json(request, visits.undo(request.cookies, trial_token=body.trial), path=path)

    @router.get("/stimuli/{token}", name="stimulus")
    def read_stimulus(request: Request, token: Token) -> Response:
        """One picture of the rater's own trials."""
        picture = visits.picture(request.cookies, token=token)
        return Response(picture, media_type=MEDIA_TYPE, headers={"X-Content-Type-Options": "nosniff"})


def _cookie(request: Request, visit: Visit) -> str:
    """The rater's cookie as a header.

    Over https it is fit for a page inside another site's frame, as huggingface.co shows Spaces: SameSite=None, and
    Partitioned, so that browsers without third-party cookies keep it too. Over http those need Secure and would fail.
    """
    response = Response()
    is_https = request.url.scheme == "https"
    response.set_cookie(
        visit.cookie_name,
        visit.cookie_value,
        max_age=COOKIE_LIFETIME_S,
        httponly=True,
        samesite="none" if is_https else "lax",
        secure=is_https,
    )
    # Starlette writes Partitioned from Python 3.14 on only.
    return response.headers["set-cookie"] + ("; Partitioned" if is_https else "")


def _study_json(visits: Visits, study: StudyRecord, words: StudyWords) -> dict[str, object]:
    """The study as raters may know it."""
    outline = visits.outline(study)
    values = () if study.scale is None else study.scale.values
    scale = [{"value": value, "label": label} for value, label in zip(values, words.scale_labels, strict=True)]
    choices = ["left", "right", "tie"] if study.ties_allowed else ["left", "right"]
    return {
        "name": study.name,
        "title": words.title,
        "mode": study.mode,
        "question": words.question,
        "language": words.language,
        "languages": list(study.languages),
        "instructions": words.instructions,
        "consent": {"version": words.consent_version, "sha256": words.consent_sha256, "text": words.consent},
        "scale": scale if study.mode == "rating" else None,
        "choices": choices if study.mode == "pairwise" else None,
        "practice": outline.practice,
        "trials": outline.trials,
        "minutes": outline.minutes,
        "invitation_required": outline.invitation_required,
    }


def _state_json(request: Request, visit: Visit, *, path: str) -> dict[str, object]:
    """Progress, the current trial with its token, and the next pictures without theirs: its turn has not come."""
    state = visit.state
    current = state.current and {
        "token": state.current.token,
        "practice": state.current.is_practice,
        **_pictures_json(request, state.current),
    }
    feedback = visit.feedback
    root = request.scope.get("root_path", "")
    return {
        "stage": state.stage,
        "language": state.language,
        "answered": state.answered,
        "total": state.total,
        "practice": {"answered": state.practice_answered, "total": state.practice_total},
        "trial": current,
        "upcoming": state.upcoming and _pictures_json(request, state.upcoming),
        "undo": state.undo_token,
        "seconds_left": state.seconds_left,
        "resume_path": f"{root}{path}/?study={visit.study.name}#resume={visit.link}",
        "withdrawal_code": visit.withdrawal_code,
        "feedback": feedback and {"within_expected": feedback.within_expected, "text": feedback.text},
    }


def _pictures_json(request: Request, trial: Trial) -> dict[str, object]:
    """Where the pictures of a trial are, and their size in pixels."""
    return {
        "ground_truth": request.url_for("stimulus", token=trial.ground_truth_token).path,
        "pictures": [request.url_for("stimulus", token=token).path for token in trial.picture_tokens],
        "width": trial.width,
        "height": trial.height,
    }
