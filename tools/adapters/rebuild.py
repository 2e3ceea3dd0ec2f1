"""Trains, measures and describes the demo adapters: `python -m adapters.rebuild --model DIR [--shared DIR] [--only NAME]
--out DIR [--list FILE]`, run inside `tools/`."""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from .recipes import RECIPES


def module(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", *map(str, arguments)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/, which the Bard needs")
    parser.add_argument("--only", choices=list(RECIPES))
    parser.add_argument("--engine", choices=["tokenscope", "torch"], default="tokenscope")
    parser.add_argument("--list", type=Path, help="the page's models.json, to be told")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    shared = ["--shared", args.shared] if args.shared else []
    for name in [args.only] if args.only else RECIPES:
        folder = args.out / name
        asked = ["--adapter", name, "--model", args.model, *shared]
        module("adapters.train", *asked, "--out", folder)
        with tempfile.TemporaryDirectory() as scratch:
            evidence = Path(scratch, "evidence.json")
            module("adapters.evaluate", *asked, "--folder", folder, "--engine", args.engine, "--out", evidence)
            module("adapters.card", "--adapter", name, "--folder", folder, "--evidence", evidence, *(["--list", args.list] if args.list else []))


if __name__ == "__main__":
    main()
