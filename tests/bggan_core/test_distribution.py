"""Two replicas and two workers (processes on loopback) train as one device does; each is a Python of its own."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bggan_core.checkpoints import load_trained
from bggan_core.configs import Phase, TrainingConfig
from bggan_core.distribution import Part, build_strategy, require_equal_parts, this_worker
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]

# A minute on idle cores.
PATIENCE_SECONDS = 1800


def _start(strategy, config, run, *, killed_at=0, worker=None, ports=()):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    if worker is not None:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": worker}})
    command = [sys.executable, "-m", "tests.bggan_core.train_distributed", strategy, config, str(run), str(killed_at)]
    with (run.parent / f"{run.name}-{worker or 0}.log").open("w") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def _train(strategy, config, run):
    process = _start(strategy, config, run)
    try:
        assert process.wait(PATIENCE_SECONDS) == 0, (run.parent / f"{run.name}-0.log").read_text()
    finally:
        _end(process)
    return run


def _end(process):
    process.kill()
    process.wait()


def _train_with_two_workers(config, run, *, killed_at=0):
    """Start both; with `killed_at`, worker 1 kills itself at that step. Returns the exit codes."""
    ports = [free_port(), free_port()]
    workers = [
        _start("multi-worker", config, run, worker=index, ports=ports, killed_at=killed_at * index) for index in (0, 1)
    ]
    try:
        return [worker.wait(PATIENCE_SECONDS) for worker in reversed(workers)][::-1]
    finally:
        for worker in workers:
            _end(worker)


def _curves(run):
    with (run / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def _assert_same_training(run, single):
    """Fifty steps of every logged number to six digits, and the weights that load."""
    ours, theirs = _curves(run), _curves(single)
    assert len(ours["step"]) == 50
    for name, curve in theirs.items():
        # Where terms of both signs cancel, the size of the terms decides.
        np.testing.assert_allclose(ours[name], curve, rtol=1e-4, atol=1e-6, err_msg=name)
    for own, one in zip(load_trained(run)[0].get_weights(), load_trained(single)[0].get_weights(), strict=True):
        np.testing.assert_allclose(own, one, atol=1e-4)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Stage B with critics, clipping, masks and a running average on one device."""
    return _train("default", "stage-b", tmp_path_factory.mktemp("single") / "run")


def test_two_replicas_follow_the_curve_of_one_device(single, tmp_path):
    _assert_same_training(_train("mirrored", "stage-b", tmp_path / "run"), single)


def test_two_workers_follow_the_curve_of_one_device(single, tmp_path):
    assert _train_with_two_workers("stage-b", tmp_path / "run") == [0, 0]
    _assert_same_training(tmp_path / "run", single)


@pytest.mark.long
def test_after_a_worker_is_killed_both_are_started_again_and_go_on(single, tmp_path):
    """The other worker does not train on alone: it stops with an error, and both resume at the last checkpoint."""
    first, second = _train_with_two_workers("stage-b", tmp_path / "run", killed_at=30)
    assert second == -signal.SIGKILL
    assert first != 0
    assert load_trained(tmp_path / "run")[2].steps in (20, 25)
    assert _train_with_two_workers("stage-b", tmp_path / "run") == [0, 0]
    _assert_same_training(tmp_path / "run", single)


def test_the_parts_of_all_workers_are_the_batch():
    parts = [list(range(12))[Part(number, 3).rows(12)] for number in range(3)]
    assert parts == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert Part().rows(5) == slice(0, 5)


def test_one_process_is_the_only_worker():
    assert this_worker(build_strategy("default")) == Part(0, 1)


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    class OfThree:
        num_replicas_in_sync = 3

    config = TrainingConfig(name="odd", phases=(Phase(1, 3, 16, 16), Phase(1, 4, 16, 16)))
    with pytest.raises(ValueError, match="a batch of 4 cannot be shared by 3 replicas"):
        require_equal_parts(config, OfThree())
    require_equal_parts(config, tf.distribute.get_strategy())


def test_an_unknown_strategy_is_named():
    with pytest.raises(ValueError, match="'horovod'"):
        build_strategy("horovod")
