"""Works through a plan and kills itself with SIGKILL after so many batches: FOLDER BATCHES."""

import os
import signal
import sys
from pathlib import Path

from modelzoo.shards.work import work_through
from tests.modelzoo.shards.plans import small_plan, small_work

if __name__ == "__main__":
    folder, left = Path(sys.argv[1]), int(sys.argv[2])

    def count(done: int, total: int) -> None:
        global left  # a script
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    work_through(folder, small_plan(folder), lambda: small_work([]), on_rows=count)
