"""What the researcher's pages show, as plain values: no page and no table of the database is known here."""

from study.dashboard.board import Dashboard, StudyOverview
from study.dashboard.drilldown import Drilldown, MethodPicture
from study.dashboard.metrics import MetricTables
from study.dashboard.planning import PlanAnswer, PlanQuestion
from study.dashboard.progress import Forecast, Progress
from study.dashboard.quality import RaterQuality

__all__ = [
    "Dashboard",
    "Drilldown",
    "Forecast",
    "MethodPicture",
    "MetricTables",
    "PlanAnswer",
    "PlanQuestion",
    "Progress",
    "RaterQuality",
    "StudyOverview",
]
