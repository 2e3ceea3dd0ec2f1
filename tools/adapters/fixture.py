"""Writes the items of the engine's quick test: `python -m adapters.fixture --shared DIR --out FILE`, in `tools/`.

Twenty held-out items of each adapter; plays only as places in the file, and bad endings as regular expressions that JavaScript
reads too, so that neither Python nor the grammar is needed to check a story's end.
"""
from __future__ import annotations

import argparse
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

from corpus.grammar import Node, Slot
from corpus.plots import PLOTS

from .data import SOURCES, play_passages
from .items import STORY_TOKENS

COUNT = 20
EXCERPT = 500  # characters of a passage
WORDS = r"[A-Za-z' -]+"  # any name, thing, place, pronoun or number


def _pattern(nodes: list[Node]) -> str:
    out = []
    for kind, value in nodes:
        if kind == "literal":
            out.append(re.escape(str(value)).replace(r"\ ", " ").replace('\\"', '"'))
        elif kind == "choice":
            out.append("(?:" + "|".join(_pattern(option) for option in value) + ")")  # type: ignore[attr-defined]
        else:
            out.append(WORDS)
    return "".join(out)


def _slot(slot: Slot) -> str:
    choices = "|".join(" " + _pattern(nodes) for nodes in slot if nodes)
    return f"(?:{choices})" + ("" if all(slot) else "?")


def ending_pattern(bad: list[Slot]) -> str:
    """A bad ending, whoever and whatever it is about, at the end of a text."""
    return '(?<=[.!?"])' + "".join(map(_slot, bad)) + "$"


def places(shared: Path) -> list[list[int]]:
    """[start, end] of held-out excerpts, in characters of the file."""
    text = (shared / "corpus" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    starts = (text.find(passage[:EXCERPT]) for passage in play_passages(shared, True) if len(passage) > EXCERPT)
    return [[start, start + EXCERPT] for start in islice((start for start in starts if start >= 0), COUNT)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds corpus/")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    fixture: dict[str, Any] = {"bard": {"places": places(args.shared)}}
    for name in ("swap", "translate"):
        examples = islice(SOURCES[name](f"items/{name}", True), COUNT)
        fixture[name] = {"items": [{"prompt": example.prompt, "answer": example.label.strip()} for example in examples]}
    openings = [example.prompt for example in islice(SOURCES["sad"]("items/sad", True), COUNT)]
    fixture["sad"] = {"maxTokens": STORY_TOKENS, "openings": openings, "endings": [ending_pattern(plot.bad) for plot in PLOTS]}
    args.out.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
