"""The processes that train one run together, as torchrun says it in their environment. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelzoo.config.train_config import TrainConfig
from modelzoo.errors import UserError
from modelzoo.training.devices import find_device, list_devices

FEWEST_EACH = 2  # images of a batch for each process: a batch norm has no variance of one
_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Team:
    """A process and the number of those that train one run together."""

    rank: int = 0  # the first, 0, writes the run's folder
    size: int = 1
    local_rank: int = 0  # among those of this machine
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run's folder, its status and its log."""
        return self.rank == 0

    def part_of(self, count: int) -> slice:
        """Which of the `count` images of a batch this process computes, all in order.

        Of a batch with fewer than FEWEST_EACH for each process, as a last one may be, every
        process computes the whole: no slice is empty then, and the mean over all is the same.
        """
        if count < FEWEST_EACH * self.size:
            return slice(0, count)
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)


ALONE = Team()


def read_team(environment: Mapping[str, str]) -> Team:
    """The team that `environment` tells of; ALONE outside of torchrun.

    Raises:
        UserError: WORLD_SIZE is there, and the rest of what torchrun sets is not.
    """
    if environment.get("WORLD_SIZE", "1") == "1":
        return ALONE
    given = {name: environment.get(name, "") for name in _VARIABLES}
    wrong = [name for name, text in given.items() if not (text.isascii() and text.isdigit())]
    if not environment.get("MASTER_ADDR"):
        wrong.append("MASTER_ADDR")
    if not wrong:
        rank, size, local_rank, local_size, _ = map(int, given.values())
        if rank < size > 0 and local_rank < local_size <= size:
            return Team(rank, size, local_rank, local_size)
        wrong = ["RANK"]
    raise UserError(
        f"WORLD_SIZE is {given['WORLD_SIZE'][:20]!r} in the environment, but {', '.join(wrong)} "
        "does not say which of the processes this is or how it meets the others; start them with "
        "torchrun --nproc-per-node 2 -m modelzoo resume RUN, or unset WORLD_SIZE."
    )


def find_place(team: Team, device: str) -> str:
    """Torch's name of the device of this process: each of a team has a GPU of its own.

    Args:
        team: ALONE may be given any device.
        device: As a person gave it: "auto", "cpu", "cuda".

    Raises:
        UserError: There is no such device, or there are fewer GPUs than processes.
    """
    if team.size == 1:
        return find_device(device).name
    gpus = [each.name for each in list_devices() if each.name.startswith("cuda")]
    if device == "cpu" or (device == "auto" and not gpus):
        return "cpu"
    if device not in ("auto", "cuda"):
        raise UserError(
            f"{team.size} processes cannot share device {device!r}; give auto, cuda or cpu, and "
            "each has a GPU of its own, or some of the CPU's cores."
        )
    if len(gpus) < team.local_size:
        raise UserError(
            f"{team.local_size} processes on this machine need a GPU each, and it has {len(gpus)}; "
            "start as many as there are, or give --device cpu."
        )
    return gpus[team.local_rank]


def list_places(team: Team, place: str) -> list[str]:
    """The devices of this machine that `team` takes, where its first process is on `place`."""
    if team.size == 1 or place == "cpu":
        return [place]
    gpus = [each.name for each in list_devices() if each.name.startswith("cuda")]
    return gpus[: team.local_size]


def require_shares(config: TrainConfig, processes: int) -> None:
    """Pass where so many processes can share each batch; a frozen body is computed by one.

    Raises:
        UserError: There are too many for the batch size.
    """
    if config.mode != "frozen" and processes > 1 and config.batch_size < FEWEST_EACH * processes:
        raise UserError(
            f"{processes} processes cannot share batches of {config.batch_size} images; give a "
            f"batch size of at least {FEWEST_EACH * processes}, {FEWEST_EACH} for each, or fewer "
            "processes."
        )
