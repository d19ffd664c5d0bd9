"""A stored study as an export."""

import pandas as pd

from study.export.contents import StudyExport
from study.export.votes import votes_frame
from study.store import StudyStore
from study.tables import Analysis, study_facts


def stored_study(
    store: StudyStore, name: str, *, analysis: Analysis | None = None, metrics: pd.DataFrame | None = None
) -> StudyExport:
    """Read a study with all votes that stand; raises UnknownStudy.

    Args:
        store: Where the study is kept.
        name: The study's name.
        analysis: The researcher's choices; left out, the usual ones.
        metrics: Columns scene, method, metric, value.
    """
    study = store.study(name)
    simulated = frozenset(rater.rater for rater in store.raters(name) if rater.simulated)
    return StudyExport(
        facts=study_facts(study),
        question=study.question,
        seed=study.seed,
        scenes=study.scenes,
        methods=study.methods,
        frame=votes_frame(study, store.votes(name), simulated=simulated),
        analysis=analysis or Analysis(),
        metrics=metrics,
    )
