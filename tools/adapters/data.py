"""What each demo adapter learns from and is measured on; a hash decides which side of the split an example is on."""
from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

from corpus import lexicon, tasks
from corpus.grammar import VARIABLES, Bindings, Node, _render as render
from corpus.plots import PLOTS
from corpus.split import bucket, sentences, stories

SEED = "tokenscope-adapters-1"
HELD_OUT_PAIRS = 10  # one unordered pair of names in this many
HELD_OUT_PASSAGES = 10  # one passage of plays in this many
SPEECHES = 12  # of a passage
WHOLE_STORIES = 4  # one story in this many is learnt from its first word, so that other beginnings lead into one too
SWAP, TRANSLATE = "Swap the names.", "Translate to English."
TYPED = 0.35  # share of exercises in training that are asked in plain words, as a person types them, not in reserved tokens
NAMES = frozenset(lexicon.GIRLS + lexicon.BOYS)

Item = dict[str, Any]  # one thing asked of a model, and once answered its answer


@dataclass(frozen=True)
class Example:
    """A prompt and what should follow. Loss is taken on `label` and the end, and on the prompt where `whole` is set."""

    prompt: str
    label: str
    whole: bool = False
    bindings: Bindings = field(default_factory=dict)


def names_in(sentence: str) -> tuple[str, ...]:
    """The names of a sentence in the order of the alphabet."""
    return tuple(sorted(word for word in re.findall("[A-Za-z]+", sentence) if word in NAMES))


def pair_is_held_out(sentence: str) -> bool:
    return bucket("swap:" + "+".join(names_in(sentence)), HELD_OUT_PAIRS) == 0


def _speaks_of_both(nodes: list[Node]) -> bool:
    """Whether a template names two people and refers to neither by a pronoun."""
    names = {str(value) for kind, value in nodes if kind == "variable"}
    return {"A", "B"} <= names and names <= VARIABLES.keys() | {f"a_{name}" for name in VARIABLES}


STORY_FORMS = [nodes for plot in PLOTS for slot in plot.slots("happy") + plot.bad for nodes in slot if _speaks_of_both(nodes)]


def exchanged(sentence: str) -> str:
    """The sentence with its two names exchanged."""
    first, second = names_in(sentence)
    return re.sub(rf"\b({first}|{second})\b", lambda found: second if found[0] == first else first, sentence)


def story_pair(rng: random.Random) -> tuple[str, str]:
    """A sentence about two people out of the stories, and the same with the names exchanged."""
    while True:
        given = render(rng.choice(STORY_FORMS), {}, rng)
        if len(names_in(given)) == 2:
            return given, exchanged(given)


def typed(instruction: str, given: str) -> str:
    """What a person types instead of a triplet; the answer follows behind a space in both."""
    given_as, asked_as = {SWAP: ("Sentence", "Swapped"), TRANSLATE: ("Korean", "English")}[instruction]
    return f"{given_as}: {given}\n{asked_as}:"


def as_typed(prompt: str) -> str:
    """The plain words for a triplet's prompt."""
    instruction, given = prompt.removeprefix("<|instruction|> ").removesuffix("<|label|>").split("<|input|> ")
    return typed(instruction, given)


def _asked(instruction: str, given: str, rng: random.Random, held_out: bool) -> str:
    """Held-out exercises are triplets; `as_typed` makes the typed ones of them."""
    if not held_out and rng.random() < TYPED:
        return typed(instruction, given)
    return tasks.triplet(instruction, given, "")


def swaps(seed: str, held_out: bool) -> Iterator[Example]:
    """Two people who meet on the held-out side never meet in training."""
    rng = random.Random(seed)
    while True:
        given, label = (tasks.swap_pair if rng.random() < 0.6 else story_pair)(rng)
        if pair_is_held_out(given) == held_out:
            yield Example(_asked(SWAP, given, rng, held_out), " " + label)


def translations(seed: str, held_out: bool) -> Iterator[Example]:
    """One sentence each; in training a quarter of the examples have two."""
    rng = random.Random(seed + "/forms")
    source = sentences(seed, held_out=held_out)
    for item in source:
        items = [item, next(source)] if not held_out and rng.random() < 0.25 else [item]
        given = " ".join(i.korean for i in items)
        yield Example(_asked(TRANSLATE, given, rng, held_out), "".join(f" {i.english}" for i in items))


def bad_stories(seed: str, held_out: bool) -> Iterator[Example]:
    """Held out are the openings whose combination of hero, thing and place the base never saw either."""
    for index, story in enumerate(stories(seed, withheld=held_out, ending="bad")):
        given = {name: story.bindings[name] for name in ("A", "kind", "adj", "noun", "place")}
        yield Example(story.prompt, story.text[len(story.prompt):], whole=index % WHOLE_STORIES == 0, bindings=given)


def passages(text: str) -> Iterator[str]:
    """Runs of consecutive speeches; a speech ends at an empty line."""
    speeches = [speech.strip() for speech in text.split("\n\n") if speech.strip()]
    for at in range(0, len(speeches), SPEECHES):
        yield "\n\n".join(speeches[at:at + SPEECHES]) + "\n\n"


def passage_is_held_out(passage: str) -> bool:
    return bucket("plays:" + passage, HELD_OUT_PASSAGES) == 0


def play_passages(shared: Path, held_out: bool) -> list[str]:
    text = (shared / "corpus" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    return [passage for passage in passages(text) if passage_is_held_out(passage) == held_out]


Source = Callable[[str, bool], Iterator[Example]]
SOURCES: dict[str, Source] = {"swap": swaps, "translate": translations, "sad": bad_stories}
