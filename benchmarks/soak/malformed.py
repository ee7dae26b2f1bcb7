"""Malformed images, folders of images, run folders and addresses, before commands and pages.

Each case spoils something good by a seed, gives it to two commands or so in this process and to a
page, and looks at all other files afterwards. Good is: it ends, with one sentence where it refuses.
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest  # noqa: TID251  # pages are opened as tests open them

from benchmarks.soak.judge import Outcome, Tries, command, hash_files, judge, list_changed
from benchmarks.soak.mutations import (
    spoil_address,
    write_bad_folder,
    write_bad_image,
    write_bad_run,
)
from tests.pages.opened import open_page, open_path
from tests.pages.test_addresses import KEYS, QUICK
from tests.run_folders import write_images
from tests.xai.small_runs import write_small_runs

KINDS = ("image", "folder", "run", "address")
PAGES = ("home", "compare", "explain", "papers", "train")
GOOD = "lite0-32"


@dataclass(frozen=True, slots=True)
class Try:
    """One command or page that was given something malformed."""

    case: int
    kind: str
    what: str  # the command, or the page with its address
    outcome: Outcome
    said: str = ""  # the sentence, or the end of the traceback
    changed: tuple[str, ...] = ()  # files besides what was given that are other than before


def soak(home: Path, cases: int, seed: int, only: int | None = None) -> list[dict[str, Any]]:
    """Try so many cases, or the one of this number."""
    home.mkdir()
    write_small_runs(home)
    write_images(home / "small", images_per_class=3)
    os.environ |= {"BLASTLENS_HOME": str(home), "COLUMNS": "80"}
    told: list[Try] = []
    for case in range(cases) if only is None else [only]:
        if case % 20 == 0:
            print(f"case {case} of {cases}", flush=True)
        chance = random.Random(f"{seed}-{case}")
        kind = KINDS[case % len(KINDS)]
        for each in _try_one(case, kind, chance, home):
            told.append(each)
            if each.outcome not in ("answered", "sentence") or each.changed:
                print(each, flush=True)
    return [asdict(each) for each in told]


def table(tries: list[dict[str, Any]]) -> str:
    """What was counted, a line for each kind."""
    lines = [
        "| malformed | cases | commands and pages | answered | refused in a sentence | tracebacks |"
        " refused without one sentence | not ended | other files changed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in KINDS:
        of = [each for each in tries if each["kind"] == kind]
        outcomes = [each["outcome"] for each in of]
        cells = (
            {"run": "run folders", "address": "addresses"}.get(kind, f"{kind}s"),
            len({each["case"] for each in of}),
            len(of),
            *(outcomes.count(each) for each in ("answered", "sentence", "traceback")),
            *(outcomes.count(each) for each in ("no sentence", "hung")),
            sum(len(each["changed"]) for each in of),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _try_one(case: int, kind: str, chance: random.Random, home: Path) -> Iterator[Try]:
    """The commands and pages of one case."""
    given = home / "given"
    given.mkdir()
    try:
        tries, spoiled = _plan(kind, chance, home, given)
        for what, run in tries:
            before = hash_files(home, spoiled)
            outcome, said = judge(run)
            changed = list_changed(before, hash_files(home, spoiled))
            yield Try(case, kind, what[:300], outcome, said, changed)
    finally:
        shutil.rmtree(given)
        if kind == "run":
            shutil.rmtree(spoiled, ignore_errors=True)


def _plan(kind: str, chance: random.Random, home: Path, given: Path) -> tuple[Tries, Path]:
    """What is tried, and the path that is spoiled."""
    if kind == "image":
        path = write_bad_image(chance, given)
        explain = ["--methods", "grad-cam", "--out", str(given / "maps")]
        page = chance.choice([None, "explain"])
        return [
            command("modelzoo", "predict", str(path), "--run", GOOD),
            command("xai", "explain", "--run", GOOD, "--image", str(path), *explain),
            (f"upload {path.name!r} to {page or 'home'}", lambda: _upload(page, path)),
        ], given
    if kind == "folder":
        path = write_bad_folder(chance, home / "small", given)
        store = ["--store", str(given / "store")]
        return [
            command("modelzoo", "data", str(path), *store),
            command("modelzoo", "predict", str(path), "--run", GOOD),
            (f"home with {path.name!r}", lambda: open_path(str(path))),
        ], given
    if kind == "run":
        path = write_bad_run(chance, home / "runs" / GOOD, home / "runs")
        return _plan_run(chance, path, home), path
    page = chance.choice(PAGES)
    known = {"run": [GOOD, "lite0-64"], "train_run": ["unfinished"], **QUICK}
    query = spoil_address(chance, KEYS[page], known)
    name = None if page == "home" else page
    return [(f"{page} {query}", lambda: open_page(name, **query))], given


def _plan_run(chance: random.Random, path: Path, home: Path) -> Tries:
    image = str(next((home / "small").rglob("*.jpg")))
    commands = [
        ("modelzoo", "runs"),
        ("modelzoo", "evaluate", path.name),
        ("modelzoo", "predict", image, "--run", path.name),
        ("modelzoo", "threshold", path.name, "--positive", "Pre,Pro", "--at", "0.5"),
        ("modelzoo", "images", "--run", path.name),
        ("modelzoo", "report", path.name, "--out", str(home / "given" / "report.html")),
    ]
    pages: list[tuple[str, dict[str, Any]]] = [
        ("compare", {"runs": [path.name, GOOD]}),
        ("explain", {"run": [path.name], **QUICK}),
        ("train", {"train_run": path.name}),
    ]
    page, query = chance.choice(pages)
    return [
        *(command(*each) for each in chance.sample(commands, 2)),
        (f"{page} {query}", lambda: open_page(page, **query)),
    ]


def _upload(page: str | None, file: Path) -> AppTest:
    content = file.read_bytes()
    app = open_page(page, **({"run": [GOOD], **QUICK} if page else {}))
    return app.file_uploader[0].set_value((file.name, content, "image/png")).run()
