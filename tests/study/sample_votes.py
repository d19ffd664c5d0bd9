"""Votes of made-up studies for the tests of tables and exports, as the tidy frames that exports begin with."""

import numpy as np
import pandas as pd

from study.export import StudyExport
from study.tables import Analysis, StudyFacts

QUICK = Analysis(resamples=100)
METHODS = ("gaussian", "glass_net", "reference", "unprocessed")
TRUE_QUALITY = {"glass_net": 3.6, "gaussian": 2.0, "reference": 4.6, "unprocessed": 1.2}
SCENES = ("barn", "dog", "fig", "owl", "tram")


def rating_frame(*, raters=16, scenes=SCENES, methods=METHODS, repeats=2, seed=3) -> pd.DataFrame:
    """Every rater rates every stimulus on 0-5 with an own bias; the first trials come again as repeats."""
    rng = np.random.default_rng(seed)
    rows = []
    for rater in range(raters):
        bias = rng.normal(0, 0.4)
        cells = [(scene, method) for scene in scenes for method in methods]
        trials = [(cell, "main") for cell in cells] + [(cell, "repeat") for cell in cells[:repeats]]
        for (scene, method), purpose in trials:
            opinion = TRUE_QUALITY.get(method, 2.5) + 0.2 * scenes.index(scene) - 0.4 + bias + rng.normal(0, 0.7)
            rows.append((f"r{rater:02d}", purpose, scene, method, float(np.clip(round(opinion), 0, 5))))
    return pd.DataFrame(rows, columns=["rater", "purpose", "scene", "method", "value"])


def pairwise_frame(*, raters=16, scenes=SCENES, methods=METHODS, ties=0.15, seed=4) -> pd.DataFrame:
    """Every rater compares every pair on every scene, sides drawn by lot."""
    rng = np.random.default_rng(seed)
    rows = []
    for rater in range(raters):
        for scene in scenes:
            for one, method in enumerate(methods):
                for other in methods[one + 1 :]:
                    left, right = (method, other) if rng.random() < 0.5 else (other, method)
                    gap = TRUE_QUALITY.get(left, 2.5) - TRUE_QUALITY.get(right, 2.5) + rng.logistic() * 1.2
                    choice = "tie" if rng.random() < ties else "left" if gap > 0 else "right"
                    rows.append((f"r{rater:02d}", "main", scene, left, right, choice))
    return pd.DataFrame(rows, columns=["rater", "purpose", "scene", "left_method", "right_method", "choice"])


def metrics_frame(*, scenes=SCENES, methods=METHODS, seed=5) -> pd.DataFrame:
    """Two metrics that follow the true quality, one up and one down."""
    rng = np.random.default_rng(seed)
    rows = []
    for scene in scenes:
        for method in methods:
            quality = TRUE_QUALITY.get(method, 2.5) + rng.normal(0, 0.3)
            rows += [(scene, method, "PSNR", 18 + 3 * quality), (scene, method, "LPIPS", 0.6 - 0.1 * quality)]
    return pd.DataFrame(rows, columns=["scene", "method", "metric", "value"])


def rating_export(frame=None, *, analysis=QUICK, metrics=None, hidden_reference="reference", **names) -> StudyExport:
    """An export of ratings; `names` may give other scenes and methods."""
    frame = rating_frame() if frame is None else frame
    methods = names.get("methods", METHODS)
    facts = StudyFacts(
        name="sample",
        title="Sample study",
        sha256="5" * 64,
        mode="rating",
        scale="0-5 (0 = mostly different, 5 = almost identical)",
        scale_min=0.0,
        scale_max=5.0,
        hidden_reference=hidden_reference if hidden_reference in methods else None,
    )
    return StudyExport(
        facts=facts,
        question="How close?",
        seed=1,
        scenes=names.get("scenes", SCENES),
        methods=methods,
        frame=frame,
        analysis=analysis,
        metrics=metrics,
    )


def pairwise_export(frame=None, *, analysis=QUICK, **names) -> StudyExport:
    """An export of comparisons."""
    facts = StudyFacts("pairs", "Sample pairs", "6" * 64, "pairwise", "which of two is better, ties allowed")
    return StudyExport(
        facts=facts,
        question="Which is closer?",
        seed=1,
        scenes=names.get("scenes", SCENES),
        methods=names.get("methods", METHODS),
        frame=pairwise_frame() if frame is None else frame,
        analysis=analysis,
    )
