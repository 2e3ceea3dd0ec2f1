"""Turns answered items into a card's numbers. Endings are read by the story grammar."""
from __future__ import annotations

from typing import Any, Iterator

from corpus import lexicon
from corpus.grammar import Bindings, _Reader as Reader, read
from corpus.plots import PLOTS

from .data import Item, names_in


ABSENT = "-"  # a name no text holds: endings that need a friend or an elder then match nothing


def _casts(text: str, bindings: Bindings) -> Iterator[Bindings]:
    """`bindings` with each other name of the text as the friend, and the first elder it speaks of."""
    words = text.replace(".", " ").replace(",", " ").split()
    elder = next((word for word in words if word in lexicon.ELDERS), ABSENT)
    friends = {name for name in names_in(text) if name != bindings["A"]} or {ABSENT}
    for friend in sorted(friends):
        yield {**bindings, "B": friend, "elder": elder}


def ends_badly(text: str, bindings: Bindings) -> bool:
    """Whether the last sentences are a bad ending of some plot, about the hero and the thing of `bindings`."""
    starts = [at for at in range(1, len(text)) if text[at] == " " and text[at - 1] in '.!?"']
    casts = list(_casts(text, bindings))
    return any(True for plot in PLOTS for cast in casts for at in starts for _ in Reader(text).slots(plot.bad, 0, at, cast))


def share(passed: int, total: int) -> dict[str, Any]:
    return {"passed": passed, "of": total, "percent": round(100 * passed / max(1, total), 1)}


def _stories(items: list[Item]) -> dict[str, Any]:
    """Bad endings, and stories that one plot with a bad ending derives from first to last word."""
    texts = [(item["prompt"] + item["text"], item["bindings"]) for item in items]
    whole = [read(text, PLOTS, "bad").ok for text, _ in texts]
    bad = [ok or ends_badly(text, bindings) for ok, (text, bindings) in zip(whole, texts)]
    return {"ends_badly": share(sum(bad), len(bad)), "whole": share(sum(whole), len(whole))}


def score(items: list[Item]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for kind in ("exact", "typed"):
        mine = [item for item in items if item["kind"] == kind]
        if mine:
            result[kind] = share(sum(item["text"].strip() == item["answer"].strip() for item in mine), len(mine))
    for name, cold in (("greedy", True), ("drawn", False)):
        mine = [item for item in items if item["kind"] == "story" and (item["temperature"] == 0) == cold]
        if mine:
            result |= {f"{name}_{key}": value for key, value in _stories(mine).items()}
    losses = [item for item in items if item["kind"] == "loss"]
    if losses:
        nats, tokens = (sum(item[field] for item in losses) for field in ("nats", "tokens"))
        result["loss"] = {"nats_per_token": round(nats / tokens, 4), "tokens": tokens}
    return result
