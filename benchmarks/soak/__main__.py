"""Soak: what is lost, mixed up or said wrongly when everything goes wrong at once, for long.

`python -m benchmarks.soak [--part kills|sessions|malformed|homes] [--out bench/soak.json]`

Without --part all of them, one after the other. Every part works in a temporary folder and is made
again by its --seed. `kills` starts a real Slurm and a real Ray, and `homes` mounts file systems in
memory: both as root, on Linux. Figures are printed as tables in Markdown; the JSON has every kill,
case, race and deed, and keeps the parts that were not run again.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: sums depend on it in their last bits

from benchmarks.soak import homes, kills, malformed, sessions


def main() -> None:
    """Run the parts; print their tables and write what they found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=["kills", "sessions", "malformed", "homes"])
    parser.add_argument("--kills", type=int, default=100, help="over all places")
    parser.add_argument("--places", default=",".join(kills.PLACES), help="where runs are killed")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10, help="of the sessions")
    parser.add_argument("--cases", type=int, default=500, help="malformed ones")
    parser.add_argument("--races", type=int, default=9, help="of several to resume a run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("bench/soak.json"))
    options = parser.parse_args()
    places = tuple(options.places.split(","))
    parts: dict[str, tuple[Callable[[Path], Any], Callable[[Any], str]]] = {
        "kills": (lambda home: kills.soak(home, options.kills, places, options.seed), kills.table),
        "sessions": (
            lambda home: sessions.soak(home, options.sessions, options.minutes, options.seed),
            sessions.table,
        ),
        "malformed": (
            lambda home: malformed.soak(home, options.cases, options.seed),
            malformed.table,
        ),
        "homes": (lambda home: homes.soak(home, options.races), homes.table),
    }
    for name in [options.part] if options.part else list(parts):
        soak, table = parts[name]
        with tempfile.TemporaryDirectory(prefix="soak") as folder:
            results = soak(Path(folder) / "home")
        print(f"\n## {name}\n\n{table(results)}\n", flush=True)
        _keep(options.out, name, results)


def _keep(out: Path, name: str, results: Any) -> None:
    """Put the results of one part into the file, beside those of the others."""
    kept = json.loads(out.read_text()) if out.is_file() else {}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept | {name: results, "cores": os.cpu_count()}, indent=1))


if __name__ == "__main__":
    main()
