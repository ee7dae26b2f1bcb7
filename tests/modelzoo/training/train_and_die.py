"""Trains runs to their end, then others that die at random moments and are resumed.

A process of its own, that forks: torch is imported once, and no thread of it runs yet. A moment is
a share of the processor time that a whole run took, so a busy machine does not move it.
Arguments: folder of the runs, folder of the images, how many die, of these how many begin with an
empty store (the others begin with what those left there).
"""

import os
import random
import resource
import signal
import sys
from pathlib import Path

import torch

from modelzoo.config.train_config import TrainConfig
from modelzoo.runs.folder import Run, create_run
from modelzoo.training.run import train


def train_in_a_child(run: Run, store: Path, *, dies_after: float = 0.0) -> int:
    """Train in a child, killed after so many seconds of its processor time; returns its status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            torch.set_num_threads(1)
            # SIGPROF ends a process at once, as SIGKILL does: Python sets no handler for it.
            signal.setitimer(signal.ITIMER_PROF, dies_after)
            train(run, store=store, weights_folder=None, device="cpu")
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def spent() -> float:
    """Seconds of processor time of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    folder, images = Path(sys.argv[1]), sys.argv[2]
    count, fresh = int(sys.argv[3]), int(sys.argv[4])
    config = TrainConfig(
        data=images, weights="none", split="random", input_px=64, mode="finetune", epochs=4,
        batch_size=16, augmentation="mild", optimizer="adamw", learning_rate=0.001,
    )  # fmt: skip
    seconds = []
    for name in ("whole", "whole-again"):  # from an empty store, and from a full one
        before = spent()
        assert train_in_a_child(create_run(folder, name, config), folder / ".store") == 0
        seconds.append(spent() - before)
    moments = random.Random(0)
    died = 0
    for number in range(count):
        run = create_run(folder, f"killed-{number:02d}", config)
        store = folder / f".store-{number % fresh}"
        moment = moments.uniform(0, seconds[number >= fresh])
        died += train_in_a_child(run, store, dies_after=moment) == signal.SIGPROF
        train_in_a_child(run, store)
    assert died > count // 2, f"only {died} of {count} died before their end"


if __name__ == "__main__":
    main()
