"""Turns answered tasks into the card's numbers; stories are read by the grammar's checker."""
from __future__ import annotations

import math
from collections import Counter
from typing import Any

from corpus.grammar import Reading, read
from corpus.plots import PLOTS

from .tasks import Task


def share(passed: int, total: int) -> dict[str, Any]:
    return {"passed": passed, "of": total, "percent": round(100 * passed / max(1, total), 1)}


def story_reading(task: Task) -> Reading:
    """The whole story, prompt and continuation, must be derivable by one plot with a happy ending."""
    return read(task["prompt"] + task["text"], PLOTS)


def failure_notes(tasks: list[Task]) -> list[dict[str, str]]:
    """Every rejected story with the place where its best derivation broke."""
    notes = []
    for task in tasks:
        reading = story_reading(task)
        if not reading.ok:
            text = task["prompt"] + task["text"]
            notes.append({"group": task["group"], "plot": reading.plot or "", "expected": reading.expected,
                          "before": text[max(0, reading.position - 80):reading.position], "found": text[reading.position:][:40]})
    return notes


def score(tasks: list[Task]) -> dict[str, Any]:
    of_kind = {kind: [task for task in tasks if task["kind"] == kind] for kind in {task["kind"] for task in tasks}}
    result: dict[str, Any] = {}
    for group in ("seen", "withheld"):
        mine = [task for task in of_kind.get("story", []) if task["group"] == group]
        if not mine:
            continue
        readings = [story_reading(task) for task in mine]
        result[f"stories_{group}"] = share(sum(reading.ok for reading in readings), len(mine))
        result[f"plots_{group}"] = dict(Counter(reading.plot for reading in readings if reading.ok))
    for kind in ("question", "translate", "swap"):
        mine = of_kind.get(kind, [])
        if not mine:
            continue
        result[kind] = share(sum(task["text"].strip() == task["answer"].strip() for task in mine), len(mine))
    induction = of_kind.get("induction", [])
    if induction:
        result["induction"] = share(sum(task["correct"] for task in induction), sum(task["counted"] for task in induction))
    texts = of_kind.get("bytes", [])
    for part in sorted({task["part"] for task in texts}):
        mine = [task for task in texts if task["part"] == part]
        nats, size, tokens = (sum(task[field] for task in mine) for field in ("nats", "bytes", "tokens"))
        result[f"bytes_{part}"] = {"bits_per_byte": round(nats / size / math.log(2), 4),
                                   "nats_per_token": round(nats / tokens, 4), "bytes": size, "documents": len(mine)}
    return result
