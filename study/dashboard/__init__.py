"""What the researcher's pages show, as plain values: no page and no table of the database is known here."""

from study.dashboard.board import Dashboard, StudyOverview
from study.dashboard.drilldown import Drilldown, MethodPicture
from study.dashboard.planning import PlanAnswer, PlanQuestion, answer_plan
from study.dashboard.progress import Forecast, Progress
from study.dashboard.quality import RaterQuality

__all__ = [
    "Dashboard",
    "Drilldown",
    "Forecast",
    "MethodPicture",
    "PlanAnswer",
    "PlanQuestion",
    "Progress",
    "RaterQuality",
    "StudyOverview",
    "answer_plan",
]
