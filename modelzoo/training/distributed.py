"""One run on several processes: how they meet, share each batch, agree and end. No files of a run.

Each batch is the same images whatever the number of processes: all draw it from the same generator,
each computes its part (`Team.part_of`), and DistributedDataParallel takes the mean of the gradients
(Li et al. 2020, arXiv:2006.15704). Losses are scaled so that this mean is the whole batch's.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from modelzoo.errors import UserError
from modelzoo.training.heartbeat import Reports, StopRequestedError
from modelzoo.training.team import ALONE, Team

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

CONNECT_SECONDS = 120.0  # until the first process, or torchrun, answers
GATHER_SECONDS = 1800.0  # until all have opened the images, which one has prepared
ANSWER_SECONDS = 1800.0  # that one may take in a batch or an epoch before others give up
POLL_SECONDS = 0.2
_BEGUN, _READY, _OVER, _ERROR = "begun", "ready", "over", "error"  # keys of the store
_GO_ON, _STOP, _AFTER_EPOCH = range(3)


class Meeting:
    """The store through which the processes of one team find each other. Made by `meet`."""

    def __init__(self, team: Team, store: "Store") -> None:
        self.team = team
        self._store = store

    def begin(self) -> None:
        """Let the others open the images: what can be prepared once is there."""
        self._store.set(_BEGUN, "")

    def wait(self) -> bool:
        """Whether the first process has begun, once it has; False: it ended without the others."""
        while not self._store.check([_BEGUN]):
            if self._store.check([_OVER]):
                return False
            time.sleep(POLL_SECONDS)
        return True

    def gather(self, device: torch.device, report: Callable[[int, int], None]) -> None:
        """Form the group, once all are ready; the first process waits where it can be stopped.

        Args:
            device: Of this process.
            report: Called with the processes that are ready and how many there are.

        Raises:
            UserError: Some were not ready in time, or one has said that it cannot go on.
        """
        size = self.team.size
        ready = self._store.add(_READY, 1)
        since = time.monotonic()
        while self.team.is_first and ready < size:
            report(ready, size)
            if sentence := self.read_error():
                raise UserError(sentence)
            if time.monotonic() - since > GATHER_SECONDS:
                raise UserError(
                    f"{size - ready} of {size} processes were not ready within "
                    f"{GATHER_SECONDS / 60:.0f} minutes; start as many as the environment says, "
                    "and resume the run."
                )
            time.sleep(POLL_SECONDS)
            ready = self._store.add(_READY, 0)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            store=dist.PrefixStore("group", self._store),  # type: ignore[attr-defined]  # of C++
            rank=self.team.rank,
            world_size=size,
            timeout=timedelta(seconds=ANSWER_SECONDS),
        )

    def tell(self, sentence: str) -> None:
        """Say why this process cannot go on, unless another has said so before."""
        with suppress(RuntimeError):  # the store is gone, and nobody listens
            self._store.compare_set(_ERROR, "", sentence)

    def read_error(self) -> str:
        """What the first of them that could not go on has said; empty: nothing."""
        try:
            return self._store.get(_ERROR).decode() if self._store.check([_ERROR]) else ""
        except RuntimeError:
            return ""

    def explain(self, error: BaseException) -> BaseException:
        """`error`, or why another process ended, where that is what ended this one."""
        is_lost = isinstance(error, dist.DistError) or (
            isinstance(error, RuntimeError) and "gloo" in str(error)
        )
        if not is_lost and not isinstance(error, StopRequestedError):
            return error
        if sentence := self.read_error():
            return UserError(sentence)
        if not is_lost:
            return error
        return UserError(
            f"One of the {self.team.size} processes that train this run ended without a word "
            "(killed, or its machine went down); what was saved is kept, and the run can be "
            "resumed."
        )

    def leave(self) -> None:
        """End the group, and let go of who still waits."""
        if self.team.is_first:
            with suppress(RuntimeError):
                self._store.set(_OVER, "")
        if dist.is_initialized():
            dist.destroy_process_group()


@contextmanager
def meet(team: Team) -> Iterator[Meeting | None]:
    """The meeting of `team` until the block ends; None where there is nobody else.

    Raises:
        UserError: Nobody answers where the environment says, or another process ended.
    """
    if team.size == 1:
        yield None
        return
    meeting = Meeting(team, _connect(team))
    try:
        yield meeting
    except BaseException as error:
        explained = meeting.explain(error)
        if explained is error:
            raise
        raise explained from error
    finally:
        meeting.leave()


def _connect(team: Team) -> "Store":
    """The store that torchrun, or the first process, keeps."""
    where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    try:
        found: tuple[Store, int, int] = next(
            rendezvous("env://", team.rank, team.size, timeout=timedelta(seconds=CONNECT_SECONDS))
        )
    except (RuntimeError, ValueError, OSError):
        raise UserError(
            f"Process {team.rank + 1} of {team.size} met nobody at {where}, where the environment "
            "says that they meet; start them with torchrun, which sets it, or mend MASTER_ADDR and "
            "MASTER_PORT."
        ) from None
    return found[0]


class _Agreed:
    """`report` of the first process, which all processes call: what it decides, all do."""

    def __init__(self, team: Team, heartbeat: Reports) -> None:
        self.stop_after_epoch = False
        self._team = team
        self._heartbeat = heartbeat

    def report(self, phase: str, done: int, total: int, **changes: Any) -> None:
        """Say how far `phase` is.

        Raises:
            StopRequestedError: Somebody asked the first process to stop now.
        """
        decision, raised = _GO_ON, None
        if self._team.is_first:
            try:
                self._heartbeat.report(phase, done, total, **changes)
                decision = _AFTER_EPOCH if self._heartbeat.stop_after_epoch else _GO_ON
            except BaseException as error:  # noqa: BLE001  # raised again once all have heard it
                decision, raised = _STOP, error
        decision = int(from_first(self._team, decision)[0])
        self.stop_after_epoch = decision == _AFTER_EPOCH
        if decision == _STOP:
            dist.barrier()  # raises where one has ended: then this is no stop that was asked for
            raise raised or StopRequestedError


@contextmanager
def together(
    meeting: Meeting | None, module: nn.Module, heartbeat: Reports, device: torch.device
) -> Iterator[tuple[Team, Reports]]:
    """Train `module` with the others until the block ends: who they are, and what to report to.

    On GPUs its batch norms take the statistics of the whole batch from now on (SyncBatchNorm);
    elsewhere PyTorch has none for that, and each process's see its part.
    """
    if meeting is None:
        yield ALONE, heartbeat
        return
    meeting.gather(
        device, lambda done, total: heartbeat.report("waiting for the other processes", done, total)
    )
    if device.type == "cuda":
        share_norms(module)
    yield meeting.team, _Agreed(meeting.team, heartbeat)
    dist.barrier()


def share_gradients(team: Team, module: nn.Module) -> DistributedDataParallel | None:
    """`module`, whose gradients become the mean over the processes in the backward pass.

    None where there is nobody to share them with.
    """
    return DistributedDataParallel(module) if team.size > 1 else None


def share_norms(module: nn.Module) -> None:
    """Let the batch norms in `module` take the statistics of all processes' images, on GPUs."""
    convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]  # timm's, for its own norms, too


def has_parted_norms(team: Team, module: nn.Module) -> bool:
    """Whether batch norms of `module`, as it trains, see one process's part of a batch only."""
    module.train()
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm) and each.training]
    return team.size > 1 and any(not isinstance(each, nn.SyncBatchNorm) for each in norms)


def add_up(team: Team, values: Tensor) -> Tensor:
    """The sum of `values` over all processes, for each of them."""
    if team.size > 1:
        dist.all_reduce(values)
    return values


def from_first(team: Team, *numbers: float) -> tuple[float, ...]:
    """`numbers` as the first process has them, so that all decide alike."""
    if team.size == 1:
        return numbers
    values = torch.tensor(numbers, dtype=torch.float64)
    dist.broadcast(values, src=0)
    return tuple(values.tolist())


def share_buffers(team: Team, module: nn.Module) -> None:
    """Give the buffers of `module`, as batch norms have, the values of the first process."""
    if team.size > 1:
        for buffer in module.buffers():
            dist.broadcast(buffer, src=0)


def compute_in_turns(
    team: Team, parts: Sequence[Tensor], compute: Callable[[Tensor], Tensor]
) -> Tensor:
    """(N, K) of all `parts`, which the processes compute in turns.

    Args:
        team: Who does.
        parts: At least one, of N rows in all.
        compute: Rows -> (n, K).
    """
    mine = {number: compute(parts[number]) for number in range(team.rank, len(parts), team.size)}
    if team.size == 1:
        return torch.cat(list(mine.values()))
    sample = next(iter(mine.values())) if mine else compute(parts[0])
    # Zeros where others compute: a sum with them is exact.
    filled = [
        mine.get(number, sample.new_zeros(len(part), *sample.shape[1:]))
        for number, part in enumerate(parts)
    ]
    return add_up(team, torch.cat(filled))


def seed_dropout(team: Team, seed: int, epoch: int) -> None:
    """Let each process but the first, which goes on as one alone would, draw numbers of its own.

    They follow from seed, epoch and process: a resumed run draws the same.
    """
    if not team.is_first:
        torch.manual_seed(random.Random(f"{seed} {epoch} {team.rank}").getrandbits(63))


@contextmanager
def shared_file(team: Team, file: Path) -> Iterator[Path | None]:
    """`file` as the first process has it, for all processes; None where it has none.

    A shared file system shows it late to other machines, so its content is sent to them.
    """
    if team.size == 1:
        yield file if file.is_file() else None
        return
    content = file.read_bytes() if team.is_first and file.is_file() else b""
    size = int(from_first(team, len(content))[0])
    if not size:
        yield None
        return
    if team.is_first:
        dist.broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8), src=0)
        yield file
        return
    values = torch.empty(size, dtype=torch.uint8)
    dist.broadcast(values, src=0)
    with tempfile.NamedTemporaryFile(suffix=file.suffix) as copy:
        copy.write(values.numpy().tobytes())
        copy.flush()
        yield Path(copy.name)
