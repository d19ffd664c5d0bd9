"""One process of a training on one device, two replicas or two workers; `test_distribution.py` starts it.

Usage: python -m tests.bggan_core.train_distributed STRATEGY CONFIG RUN [KILLED_AT]
"""

import dataclasses
import os
import signal
import sys
from pathlib import Path

import tensorflow as tf

from bggan_core.configs import Phase, StageB, TrainingConfig
from bggan_core.critics import CriticsConfig
from bggan_core.distribution import build_strategy
from bggan_core.guidance import GuidanceConfig
from bggan_core.losses import HybridWeights
from bggan_core.training import Trainer
from tests.bggan_core.networks import TINY
from tests.bggan_core.pair_sources import GeneratedPairs

STAGE_A = TrainingConfig(
    name="tiny",
    network=TINY,
    phases=(Phase(50, 4, 16, 24),),
    clip_norm=1.0,
    checkpoint_steps=20,
    image_steps=100,
    evaluation_steps=25,
    evaluation_pairs=1,
)
CONFIGS = {
    "stage-a": STAGE_A,
    "stage-b": dataclasses.replace(
        STAGE_A,
        stage_b=StageB(HybridWeights(perceptual=0.0), critics=CriticsConfig(n_layers=(1, 2), channels=2)),
        guidance=GuidanceConfig(features=0.0),
        ema_decay=0.9,
    ),
    "batch": dataclasses.replace(STAGE_A, network=dataclasses.replace(TINY, normalization="batch")),
}


def main(strategy_name: str, config_name: str, run: str, killed_at: int = 0) -> None:
    tf.config.threading.set_inter_op_parallelism_threads(2)
    if strategy_name == "mirrored":
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = build_strategy(strategy_name)
    trainer = Trainer(
        CONFIGS[config_name],
        run=Path(run),
        train_pairs=GeneratedPairs(1, wedge=3),
        validation_pairs=GeneratedPairs(2),
        strategy=strategy,
    )
    if killed_at:
        _die_after(trainer, killed_at)
    trainer.train()


def _die_after(trainer: Trainer, step: int) -> None:
    report = trainer._report

    def report_or_die(number, terms, log):
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)
        report(number, terms, log)

    trainer._report = report_or_die


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
