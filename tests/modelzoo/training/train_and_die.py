"""Trains one run to its end, then others that are killed at random moments and resumed.

A process of its own, that forks: torch is imported once, and no thread of it runs yet.
Arguments: folder of the runs, folder of the images, how many are killed.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from modelzoo.config.train_config import TrainConfig
from modelzoo.runs.folder import Run, create_run
from modelzoo.training.run import train


def begin(run: Run) -> int:
    """Train in a child; returns its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            torch.set_num_threads(1)
            train(run, store=run.path / "store", weights_folder=None, device="cpu")
            status = 0
        finally:
            os._exit(status)
    return child


def main() -> None:
    folder, images, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    config = TrainConfig(
        data=images, weights="none", split="random", input_px=64, mode="finetune", epochs=4,
        batch_size=16, augmentation="mild", optimizer="adamw", learning_rate=0.001,
    )  # fmt: skip
    whole = create_run(folder, "whole", config)
    started = time.monotonic()
    os.waitpid(begin(whole), 0)
    seconds = time.monotonic() - started
    moments = random.Random(0)
    for number in range(count):
        run = create_run(folder, f"killed-{number:02d}", config)
        child = begin(run)
        time.sleep(moments.uniform(0, seconds))  # the moment is what is tried
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.waitpid(begin(run), 0)


if __name__ == "__main__":
    main()
