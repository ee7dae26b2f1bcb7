"""The batch script that Slurm is handed: a text, which asks nobody and touches no file.

It calls `python -m modelzoo resume`, so nothing is pickled, and the same line goes on after the job
was stopped and queued again. Signals reach the script alone (`--signal=B:`, `scancel --batch`):

- INT: a person stops the run at the next batch. USR1: after the epoch.
- USR2: the time limit is near. The run stops and the job is queued again.
- TERM: Slurm takes the node away, or the job was cancelled. The run stops; Slurm itself queues a
  job again that it pre-empted.

Several GPUs or machines are several processes, which torchrun starts. It ends all at USR1, as srun
does at TERM, so a file in the run's folder says it then.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelzoo.launching.local import ROOT
from modelzoo.launching.target import Target
from modelzoo.runs.file_names import NOW, STOP

SHEBANG = "#!/bin/bash"
WARN_SECONDS = 120  # before the time limit: enough for a batch and its checkpoint
LATE_SECONDS = 60  # that a shared folder may show a new run late, as NFS does
_RESUME = r"""
for _ in $(seq {late}); do [ -f "$run/config.toml" ] && break; sleep 1; done
if ! [ -f "$run/config.toml" ]; then
  echo "$run is not seen on $(hostname); the folder of the runs must be shared with it."
  exit 1
fi
exec >>"$run/log.txt" 2>&1
cd {root} || exit 1
epochs() {{ cat "$run/history.csv" 2>/dev/null | wc -l; }}
before=$(epochs)
child='' again='' near=''
signal() {{ [ -z "$child" ] || kill "-$1" "$child" 2>/dev/null; }}
ask() {{ while kill -0 "$child" 2>/dev/null; do echo "$1" >"$run/{stop}"; sleep 1; done & }}
trap 'again=no; {now}' INT
trap 'again=no; {after_epoch}' USR1
trap 'again=${{again:-yes}}; near=yes; {now}' USR2
trap 'again=${{again:-yes}}; {now}' TERM
{launch} -m modelzoo resume "$run" --at-once --device {device} --store {store} &
child=$!
while kill -0 "$child" 2>/dev/null; do wait "$child"; done
wait "$child"
code=$?
rm -f "$run/{stop}"
if [ "$code" = 0 ] || [ "$again" != yes ]; then exit "$code"; fi
# While Slurm ends the job itself it says COMPLETING, and alone decides whether it comes again.
if [ "$(squeue -h -j "$SLURM_JOB_ID" -o %T)" != RUNNING ]; then exit "$code"; fi
if [ -n "$near" ] && [ "$(epochs)" -le "$before" ]; then
  echo "The time limit ended before one epoch did; give the target more minutes, and resume."
  exit 1
fi
echo "Queued again as job $SLURM_JOB_ID; it goes on after the last whole epoch."
scontrol requeue "$SLURM_JOB_ID"
"""
_THREADS = "${SLURM_CPUS_PER_TASK:-1}"
_SHARE = "$(( ${{SLURM_CPUS_PER_TASK:-1}} / {0} > 0 ? ${{SLURM_CPUS_PER_TASK:-1}} / {0} : 1 ))"
# The first machine of the job is where the processes meet, at a port that no other job has.
_ON_NODES = r"""srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" {python} \
  -m torch.distributed.run --nnodes={nodes} {each} \
  --rdzv-backend=c10d --rdzv-id="$SLURM_JOB_ID-${{SLURM_RESTART_COUNT:-0}}" \
  --rdzv-endpoint="$(scontrol show hostnames | head -n 1):$((20000 + SLURM_JOB_ID % 20000))" \
 """


def format_script(
    target: Target,
    paths: Sequence[Path],
    *,
    store: Path,
    environment: Mapping[str, str],
    jobs: Path,
) -> str:
    """The script that trains the runs in the folders `paths`; several are an array.

    Args:
        target: What each run is given.
        paths: At least one.
        store: Folder of results that can be made again.
        environment: Variables that the command reads, such as BLASTLENS_HOME.
        jobs: Folder for what the script prints before it finds its run.
    """
    quoted = "\n".join(f"  {shlex.quote(str(path.resolve()))}" for path in paths)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines = [
        SHEBANG,
        *(f"#SBATCH {option}" for option in list_options(target, len(paths), jobs)),
        f"runs=(\n{quoted}\n)",
        "run=${runs[${SLURM_ARRAY_TASK_ID:-0}]}",
        *exports,
        *(["export TORCH_CPP_LOG_LEVEL=FATAL"] if target.processes > 1 else []),  # said by us
        f"export OMP_NUM_THREADS={_THREADS if target.gpus < 2 else _SHARE.format(target.gpus)}",
    ]
    resume = _RESUME.format(
        late=LATE_SECONDS,
        root=shlex.quote(str(ROOT)),
        launch=list_launch(target),
        stop=STOP,
        now=f"ask {NOW}" if target.nodes > 1 else "signal TERM",
        after_epoch="ask epoch" if target.processes > 1 else "signal USR1",
        device=target.job_device,
        store=shlex.quote(str(store.resolve())),
    )
    return "\n".join(lines) + resume


def list_launch(target: Target) -> str:
    """What starts Python with a module in as many processes as `target` gives a run."""
    python = shlex.quote(target.python)
    if target.processes == 1:
        return python
    each = f"--nproc-per-node={max(target.gpus, 1)}"
    if target.nodes == 1:
        return f"{python} -m torch.distributed.run --standalone {each}"
    return _ON_NODES.format(python=python, nodes=target.nodes, each=each)


def list_options(target: Target, runs: int, jobs: Path) -> list[str]:
    """The options of `sbatch` for so many runs of `target`."""
    # A percent sign begins a pattern there; quotes hold a path with blanks together.
    folder = str(jobs.resolve()).replace("%", "%%").replace('"', '\\"')
    name = "%A_%a" if runs > 1 else "%j"
    options = [
        "--job-name=blastlens",
        f'--output="{folder}{os.sep}{name}.out"',
        "--open-mode=append",
        "--requeue",
        f"--nodes={target.nodes}",
        f"--ntasks={target.nodes}",
        *(["--ntasks-per-node=1"] if target.nodes > 1 else []),
        f"--cpus-per-task={target.cpus}",
        f"--mem={target.memory_gb}G",
    ]
    if target.partition:
        options.append(f"--partition={target.partition}")
    if target.account:
        options.append(f"--account={target.account}")
    if target.gpus:
        kind = f":{target.gpu_type}" if target.gpu_type else ""
        options.append(f"--gres=gpu{kind}:{target.gpus}")
    if target.minutes:
        options.append(f"--time={target.minutes}")
    warn = min(WARN_SECONDS, 30 * target.minutes) if target.minutes else WARN_SECONDS
    options.append(f"--signal=B:USR2@{warn}")
    if runs > 1:
        most = f"%{target.at_once}" if target.at_once else ""
        options.append(f"--array=0-{runs - 1}{most}")
    return options
