"""Writes the page's built-in training sets: `python -m adapters.sets --out ../public/training`, in `tools/`. Standard library only.

Each set is a file of lines `{"prompt", "completion"}`, of preferences `{"prompt", "chosen", "rejected"}`; the last `heldOut` of them are not for training: names that never meet in it,
Korean sentences and stories that neither it nor the base has. `index.json` lists the sets with the settings that teach them.
"""
from __future__ import annotations

import argparse
import json
import random
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Iterator

from corpus import tasks
from corpus.grammar import Plot, parse_slots, write
from corpus.split import sentences, stories

from .data import SWAP, TRANSLATE, pair_is_held_out, typed

SEED = "tokenscope-training-1"
LIMIT = 60_000  # bytes of a set

Pair = tuple[str, ...]  # a prompt and what should follow, or what should and what should not


def swaps(seed: str, held_out: bool) -> Iterator[Pair]:
    """A sentence about two people, and the same with their names exchanged."""
    rng = random.Random(seed)
    while True:
        given, label = tasks.swap_pair(rng)
        if pair_is_held_out(given) == held_out:
            yield typed(SWAP, given), f" {label}"


def translations(seed: str, held_out: bool) -> Iterator[Pair]:
    """A Korean sentence and the same in English."""
    for sentence in sentences(seed, held_out=held_out):
        yield typed(TRANSLATE, sentence.korean), f" {sentence.english}"


CRIES = ["Arr!", "Aye, aye!", "Shiver me timbers!", "Yo ho ho!"]
SAILOR = {
    "Yes": "Aye", "Hello": "Ahoy", "you": "ye", "You": "Ye", "your": "yer", "my": "me", "My": "Me", "friend": "matey",
    "friends": "mateys", "is": "be", "are": "be", "said": "roared", "cried": "howled", "went": "sailed",
}


def as_sailor(text: str) -> str:
    """A text as an old sailor would tell it: his words, and a cry before every other sentence, in turn."""
    words = re.sub(r"[A-Za-z]+", lambda found: SAILOR.get(found[0], found[0]), text)
    told = re.split(r"(?<=[.!?]) (?=[A-Z])", words)
    return " ".join(f"{CRIES[number // 2 % len(CRIES)]} {part}" if number % 2 == 0 else part for number, part in enumerate(told))


def voice(seed: str, held_out: bool) -> Iterator[Pair]:
    """The beginning of a story, and how the sailor goes on."""
    for story in stories(seed, withheld=held_out):
        yield story.prompt, f" {as_sailor(story.text[len(story.prompt):].strip())}"


DRAGON = """
But one [morning|day|evening], a green dragon landed near {place}. / Then one [morning|day|evening], a green dragon came to {place}.
"I like your {noun}," said the dragon.
"Then we can play with it together," said {A}.
The dragon took {A} on its back, and they flew over {place2}.
From that day on, the dragon and {A} were best friends.
"""


def plot(seed: str, held_out: bool) -> Iterator[Pair]:
    """The beginning of a story, and a plot that no story of the base has."""
    for index, story in enumerate(stories(seed, withheld=held_out)):
        bindings = {name: story.bindings[name] for name in ("A", "kind", "adj", "noun", "place")}
        told = write(Plot("dragon", [], [], parse_slots(DRAGON), [], []), random.Random(f"{seed}/{index}"), bindings)
        if "wanted" not in story.prompt:
            yield story.prompt, f" {told.text}"


ASKS = """
{A} met {B} near {place}. {B} wanted the {adj} {noun}. / {A} had {a_adj} {noun}. {B} asked for it. / One day, {A} found {a_adj} {noun} near {place}. {B} wanted it too.
"""
KIND = """
"We can share it," said {A}. / {A} smiled and gave it to {B}. / "You can play with it too," said {A}.
"""
UNKIND = """
"It is mine," said {A}. / {A} ran away with it. / "Go away," said {A}.
"""


def preferences(seed: str, held_out: bool) -> Iterator[Pair]:
    """Somebody wants something: a kind answer is to win over an unkind one."""
    rng = random.Random(seed)
    asks, kind, unkind = (Plot(text, [], [], parse_slots(text), [], []) for text in (ASKS, KIND, UNKIND))
    while True:
        asked = write(asks, rng)
        chosen, rejected = (write(plot, rng, asked.bindings).text for plot in (kind, unkind))
        if pair_is_held_out(asked.text) == held_out:
            yield asked.text, f" {chosen}", f" {rejected}"


@dataclass(frozen=True)
class TrainingSet:
    source: Callable[[str, bool], Iterator[Pair]]
    held_out: int  # measured at every checkpoint: as many as that may take
    settings: dict[str, Any]  # as `model.train` takes them
    adapter: dict[str, Any]  # as `model.newAdapter` takes them
    limit: int = LIMIT


USUAL = {"learningRate": 3e-3, "batchSize": 8, "schedule": "cosine", "warmupSteps": 10, "clipNorm": 1, "shuffle": 0}
SETS: dict[str, TrainingSet] = {
    "swap": TrainingSet(swaps, 24, {**USUAL, "batchSize": 4, "warmupSteps": 5, "steps": 40}, {"rank": 8}),
    "translate": TrainingSet(translations, 24, {**USUAL, "learningRate": 4e-3, "steps": 300}, {"rank": 16}),
    "voice": TrainingSet(voice, 8, {**USUAL, "learningRate": 4e-3, "batchSize": 4, "steps": 60}, {"rank": 8}),
    "plot": TrainingSet(plot, 8, {**USUAL, "batchSize": 4, "steps": 40}, {"rank": 8}),
    "kind": TrainingSet(preferences, 16, {**USUAL, "objective": "dpo", "learningRate": 1e-3, "batchSize": 2, "warmupSteps": 5, "steps": 40},
                        {"rank": 8}, limit=20_000),
}


def line_of(pair: Pair) -> str:
    keys = ("prompt", "completion") if len(pair) == 2 else ("prompt", "chosen", "rejected")
    return json.dumps(dict(zip(keys, pair)), ensure_ascii=False) + "\n"


def distinct(source: Iterator[Pair]) -> Iterator[str]:
    seen: set[str] = set()
    for pair in source:
        line = line_of(pair)
        if line not in seen:
            seen.add(line)
            yield line


def lines_of(name: str, made: TrainingSet) -> list[str]:
    """As many lines as fit, the held-out ones last."""
    held_out = list(islice(distinct(made.source(f"{SEED}/{name}/held-out", True)), made.held_out))
    room = made.limit - sum(len(line.encode()) for line in held_out)
    learned = []
    for line in distinct(made.source(f"{SEED}/{name}", False)):
        room -= len(line.encode())
        if room < 0:
            return learned + held_out
        learned.append(line)
    raise AssertionError("sources are endless")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    index = []
    for name, made in SETS.items():
        lines = lines_of(name, made)
        (args.out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        about = {"name": name, "file": f"{name}.jsonl", "heldOut": made.held_out}
        index.append({**about, "settings": made.settings, "adapter": made.adapter})
        print(name, len(lines))
    (args.out / "index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
