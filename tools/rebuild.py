"""Rebuilds a model end to end: `python -m rebuild [--small] [--shared DIR] [--init DIR] --out DIR`, run inside `tools/`."""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

# Steps, those with a falling rate, those of the lesson in induction, peak rate. The shipped numbers are those of the card.
SHIPPED = {"steps": 4600, "decay_steps": 2550, "lesson": (650, 900), "rate": 1.2e-3, "scale": 1.0}
SMALL = {"steps": 300, "decay_steps": 200, "lesson": (0, 0), "rate": 3e-3, "scale": 0.05}


def module(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", *map(str, arguments)], check=True)


def steps_done(run: Path) -> int:
    log = run / "loss.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return max([json.loads(line).get("step", 0) for line in lines], default=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="under 15 minutes on two cores")
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/")
    parser.add_argument("--init", type=Path, help="model to start from")
    parser.add_argument("--minutes", type=float, help="train no longer than this, to be continued by the same command")
    parser.add_argument("--compile", action="store_true", help="train a third faster; needs a C++ compiler")
    parser.add_argument("--engine", choices=["tokenscope", "torch"])
    args = parser.parse_args()

    size = SMALL if args.small else SHIPPED
    corpus, run, model, evidence = (args.out / name for name in ("corpus", "run", "model", "evidence.json"))
    shared = ["--shared", args.shared] if args.shared else []
    if not (corpus / "parts.json").exists():
        module("corpus.build", "--out", corpus, "--scale", size["scale"], *shared)
    if steps_done(run) < size["steps"]:
        options = [*(["--compile"] if args.compile else []), *(["--init", args.init] if args.init else []), *(["--minutes", args.minutes] if args.minutes else [])]
        module("train.train", "--corpus", corpus, "--out", run, "--steps", size["steps"], "--decay-steps", size["decay_steps"],
               "--rate", size["rate"], "--lesson", *size["lesson"], *options)
    if steps_done(run) < size["steps"]:
        print("not finished; the same command goes on")
        return
    files = ["--run", run, "--corpus", corpus, "--out", model]
    module("train.card", *files)
    engine = args.engine or ("torch" if args.small else "tokenscope")
    module("evidence.run", "--model", model, "--engine", engine, "--out", evidence, *shared)
    module("train.card", *files, "--evidence", evidence)


if __name__ == "__main__":
    main()
