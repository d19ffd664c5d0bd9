"""How close renderings come to their ground truth, with the protocol named beside every figure."""

from bggan_core.evaluation.choice import measure_candidates, record_choice
from bggan_core.evaluation.estimates import Estimate, bootstrap_gap_closed, bootstrap_mean
from bggan_core.evaluation.methods import (
    GAUSSIAN,
    ORACLE,
    TRUTH,
    UNPROCESSED,
    Method,
    global_gaussian,
    network,
    without_detail_transfer,
)
from bggan_core.evaluation.provenance import refuse_trained_on, trained_photos
from bggan_core.evaluation.scoring import MEASURES, Distance, Score, Summary, evaluate, gap_closed, summarise
from bggan_core.evaluation.sets import (
    PROTOCOLS,
    EvaluationSet,
    Protocol,
    open_held_out_pairs,
    photographed_set,
    synthetic_set,
)
from bggan_core.evaluation.tables import record_csv, table_1, to_markdown, write_report

__all__ = [
    "GAUSSIAN",
    "MEASURES",
    "ORACLE",
    "PROTOCOLS",
    "TRUTH",
    "UNPROCESSED",
    "Distance",
    "Estimate",
    "EvaluationSet",
    "Method",
    "Protocol",
    "Score",
    "Summary",
    "bootstrap_gap_closed",
    "bootstrap_mean",
    "evaluate",
    "gap_closed",
    "global_gaussian",
    "measure_candidates",
    "network",
    "open_held_out_pairs",
    "photographed_set",
    "record_choice",
    "record_csv",
    "refuse_trained_on",
    "summarise",
    "synthetic_set",
    "table_1",
    "to_markdown",
    "trained_photos",
    "without_detail_transfer",
    "write_report",
]
