"""The table a paper prints: every method with its mean metrics and its MOS, in the form of the paper's Table 1.

Table 1 of Qian et al. (2020) has the columns PSNR, SSIM and MOS. Here the interval and the counts stand beside the MOS.
"""

import pandas as pd

from study.export.documents import Form, interval, rounded, text, whole
from study.tables import Analysis, StudyVotes, check_metrics, mos_by_method

_DIGITS = {"SSIM": 4, "LPIPS": 4, "PSNR": 2}


def methods_overview(votes: StudyVotes, metrics: pd.DataFrame | None, analysis: Analysis) -> tuple[pd.DataFrame, Form]:
    """MOS per method with the means of the metrics over the method's stimuli, and the form to print it in.

    Args:
        votes: Of a rating study.
        metrics: Columns scene, method, metric, value; None where there are none.
        analysis: As for the other tables.
    """
    frame = mos_by_method(votes, analysis)
    names: list[str] = []
    if metrics is not None:
        means = check_metrics(metrics).groupby(["metric", "method"], sort=False)["value"].mean()
        names = list(dict.fromkeys(str(name) for name in metrics["metric"]))
        for name in names:
            column = pd.Series([means.get((name, method)) for method in frame["method"]], dtype="Float64")
            frame.insert(list(frame.columns).index("mos"), name, column)
    columns = (
        text("method", "Method"),
        *(rounded(name, name, _DIGITS.get(name.split()[0].upper(), 3)) for name in names),
        rounded("mos", "MOS"),
        interval("ci_low", "ci_high", f"{analysis.confidence:.0%} CI"),
        whole("n_raters", "Raters"),
        whole("n_scenes", "Scenes"),
        whole("n_votes", "Votes"),
    )
    return frame, Form(f"Methods of the study {votes.facts.title}", "methods", columns, key=("method",))
