"""The engine Ray, by the REST interface of its jobs: no Ray here. No torch."""

import json
import os
import re
import shlex
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelzoo import paths as places
from modelzoo.errors import UserError
from modelzoo.files import append_text, read_text
from modelzoo.launching.local import ROOT
from modelzoo.launching.target import Free, Job, Target
from modelzoo.runs.file_names import LOG, STOP
from modelzoo.runs.folder import Run
from modelzoo.runs.submission import Submission
from modelzoo.text import one_line, shorten

ANSWER_SECONDS = 5.0  # a page waits for it
SUBMIT_SECONDS = 60.0  # the same for a job: a busy cluster may take it and be late to say so
STOP_SECONDS = 120  # that Ray waits for a job that it asked to stop, for a batch and its checkpoint
MOST_BYTES = 10_000_000  # of an answer
MOST_SHOWN = 200  # letters of what Ray says, in a sentence
_JOBS = "/api/jobs/"
_REFUSED = (401, 403)


class _NotFoundError(Exception):
    """Ray knows no such job."""


def check(target: Target) -> None:
    """Pass when the cluster answers, lets nobody in without the token, and is large enough."""
    _require_closed(target)
    whole = {each.what: each.total for each in list_free(target)}
    for what, needed in (("CPUs", target.cpus), ("GPUs", target.gpus)):
        if needed > whole.get(what, 0):
            raise UserError(
                f"Target {target.name!r} asks for {needed} {what} for a run, and the cluster at "
                f"{target.address} has {whole.get(what, 0):.0f}; ask for fewer in the settings "
                "file."
            )


def describe(target: Target, paths: Sequence[Path], *, store: Path) -> str:
    """The request for each run, without the token."""
    requests = [_format_request(target, path, store, "<given when sent>") for path in paths]
    return "\n".join(
        f"POST {target.address}{_JOBS}\n{json.dumps(each, indent=1)}" for each in requests
    )


def _format_request(target: Target, path: Path, store: Path, job: str) -> dict[str, Any]:
    folder = path.resolve()
    arguments = [target.python, "-m", "modelzoo", "resume", str(folder), "--at-once"]
    if target.processes > 1:
        arguments += ["--processes", str(target.processes)]
    arguments += ["--device", target.job_device, "--store", str(store.resolve())]
    variables = {
        "BLASTLENS_HOME": str(places.home().resolve()),
        "OMP_NUM_THREADS": str(max(1, target.cpus // target.processes)),
        # Ray's own 3 s would kill a training in the middle of a batch.
        "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
    }
    if weights := places.weights_folder():
        variables["BLASTLENS_WEIGHTS"] = str(weights.resolve())
    log = shlex.quote(str(folder / LOG))
    request = {
        "submission_id": job,
        "entrypoint": f"cd {shlex.quote(str(ROOT))} && exec {shlex.join(arguments)} >>{log} 2>&1",
        "entrypoint_num_cpus": target.cpus,
        "entrypoint_num_gpus": target.gpus,
        "entrypoint_memory": target.memory_gb * 10**9,
        "runtime_env": {"env_vars": variables},
    }
    if target.gpu_type:  # as Ray marks nodes: a sliver, so that many runs have one
        request["entrypoint_resources"] = {f"accelerator_type:{target.gpu_type}": 0.001}
    return request


def submit(target: Target, runs: Sequence[Run], *, store: Path) -> list[str]:
    """Send a job for each run; all that were sent are taken back where one is refused."""
    _require_closed(target)
    jobs: list[str] = []
    try:
        for run in runs:
            (run.path / STOP).unlink(missing_ok=True)
            job = f"blastlens-{run.id}-{uuid.uuid4().hex[:8]}"
            request = _format_request(target, run.path, store, job)
            jobs.append(job)  # before it is asked for: taken, and its answer lost, it would train
            _ask(target, _JOBS, given=request, seconds=SUBMIT_SECONDS)
    except UserError:
        for job in jobs:
            with suppress(UserError, _NotFoundError):
                _ask(target, f"{_JOBS}{job}/stop", given={})
        raise
    return jobs


def look(target: Target, jobs: Sequence[str]) -> dict[str, Job]:
    """What Ray says of each job; it forgets all when its head is started anew."""
    found = {}
    for job in jobs:
        with suppress(_NotFoundError):
            found[job] = _read_job(_ask(target, f"{_JOBS}{job}"))
    return found


def _read_job(answer: Mapping[str, Any]) -> Job:
    status = answer.get("status")
    if status == "PENDING":
        return Job("waiting", "until there is room")
    if status == "RUNNING":
        return Job("running")
    message = shorten(str(answer.get("message") or status), MOST_SHOWN).rstrip(".")
    return Job("ended", "it was stopped" if status == "STOPPED" else f"Ray says: {message}")


def stop(target: Target, run: Run, sent: Submission | None, *, after_epoch: bool) -> None:
    """Ask Ray to stop the job; after the epoch, which Ray has no word for, by a file in the run."""
    assert sent
    job = look(target, [sent.job]).get(sent.job)
    if after_epoch and job and job.state == "running":
        append_text(run.path / STOP, "after this epoch")
    elif job and job.state != "ended":
        _ask(target, f"{_JOBS}{sent.job}/stop", given={})


def read_log(target: Target, run: Run, sent: Submission | None) -> str:
    """What the job printed before the run's log was open."""
    if sent is None or not sent.job:
        return ""
    try:
        return str(_ask(target, f"{_JOBS}{sent.job}/logs").get("logs", ""))[-4000:]
    except _NotFoundError:
        return ""


def list_free(target: Target) -> list[Free]:
    """CPUs and GPUs of all nodes."""
    answer = _ask(target, "/api/cluster_status")
    try:
        usage = answer["data"]["clusterStatus"]["loadMetricsReport"]["usage"]
        pairs = {kind: tuple(map(float, usage[kind])) for kind in ("CPU", "GPU") if kind in usage}
        return [Free(f"{kind}s", total - used, total) for kind, (used, total) in pairs.items()]
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"What answers at {target.address} is no Ray dashboard as of Ray 2; mend the address "
            f"of target {target.name!r}."
        ) from None


def _require_closed(target: Target) -> None:
    """Raise a UserError where anybody who reaches the cluster could run code on it.

    On loopback whoever reaches it is on this machine already.
    """
    if _is_loopback(target.address):
        return
    if not target.token_file:
        raise UserError(
            f"Target {target.name!r} has no token_file, and {target.address} is not this machine: "
            "whoever reaches such a cluster runs code on it. Start Ray with RAY_AUTH_MODE=token, "
            "and name the file of the token in the settings file."
        )
    request = urllib.request.Request(f"{target.address.rstrip('/')}{_JOBS}")
    with suppress(urllib.error.HTTPError), _open(target, request):
        raise UserError(
            f"The cluster at {target.address} answers without a token, so whoever reaches it "
            "runs code on it; start it with RAY_AUTH_MODE=token."
        )


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ask(
    target: Target,
    path: str,
    *,
    given: Mapping[str, Any] | None = None,
    seconds: float = 0.0,
) -> dict[str, Any]:
    """The answer to a request, sent with the token where there is one.

    Raises:
        UserError: It does not answer, refuses the token, or says something else than JSON.
        _NotFoundError: It knows no such job.
    """
    request = urllib.request.Request(f"{target.address.rstrip('/')}{path}")
    request.add_header("Content-Type", "application/json")
    if target.token_file:
        request.add_header("Authorization", f"Bearer {_read_token(target)}")
    if given is not None:
        request.data = json.dumps(given).encode()
    try:
        with _open(target, request, seconds) as opened:
            answer = json.loads(opened.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        raise _explain(target, error) from None
    except (OSError, HTTPException) as error:  # it stopped in the middle of its answer
        raise _silent(target, error) from None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise UserError(
            f"What answers at {target.address} is no Ray dashboard; mend the address of target "
            f"{target.name!r}."
        )
    return answer


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the token would go there, too."""

    def redirect_request(self, *arguments: Any) -> None:
        """None: the answer is taken as it is."""
        return


def _open(target: Target, request: urllib.request.Request, seconds: float = 0.0) -> Any:
    """The answer, open; one without an answer is a UserError, and a refusal an HTTPError."""
    # A proxy of the environment is none of ours, and would see the token.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stays)
    try:
        return opener.open(request, timeout=seconds or ANSWER_SECONDS)
    except urllib.error.HTTPError:
        raise
    except (OSError, HTTPException) as error:
        raise _silent(target, error) from None


def _silent(target: Target, error: Exception) -> UserError:
    reason = shorten(one_line(str(getattr(error, "reason", error))), MOST_SHOWN)
    return UserError(
        f"Ray does not answer at {target.address} ({reason}); start it, or mend the address of "
        f"target {target.name!r}."
    )


def _explain(target: Target, error: urllib.error.HTTPError) -> Exception:
    said = shorten(one_line(error.read(MOST_SHOWN).decode(errors="replace")), MOST_SHOWN)
    if error.code in _REFUSED:
        given = "refuses the token" if target.token_file else "wants a token"
        return UserError(
            f"Ray at {target.address} {given} ({said or error.code}); name the file of the right "
            f"one as token_file of target {target.name!r}."
        )
    if error.code == 404:
        return _NotFoundError()
    return UserError(f"Ray at {target.address} refuses the request ({said or error.code}).")


def _read_token(target: Target) -> str:
    file = Path(os.path.expanduser(target.token_file))  # noqa: PTH111  # Path's raises
    try:
        token = read_text(file, most=10_000).strip()
    except FileNotFoundError:
        raise UserError(
            f"{file}, the token_file of target {target.name!r}, is missing; write the token there."
        ) from None
    if not re.fullmatch(r"[!-~]+", token):
        raise UserError(f"{file} holds no token: one line of letters and digits is wanted.")
    return token
