"""Several processes of this machine that train one run together, started as torchrun does."""

import logging
import os
import sys
import uuid
from collections.abc import Sequence

STOPPED = 130  # the exit code after Ctrl-C and SIGTERM
KILLED = 1


def start_together(arguments: Sequence[str], processes: int) -> int:
    """Run `python -m modelzoo` with `arguments` in so many processes; the exit code of the first.

    Signals that end this process are passed on to them, and they end all when one does. It is what
    `torchrun --standalone --nproc-per-node` does, which ends in a traceback after each mistake.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    # Their threads share the cores; torchrun itself gives each one thread.
    each = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(each))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "modelzoo", *arguments)
    except ChildFailedError as error:
        # The first process says how the run ended, unless it was killed.
        ended = error.failures.get(0) or error.get_first_failure()[1]
        return ended.exitcode if ended.exitcode > 0 else KILLED
    except SignalException:
        return STOPPED
    return 0
