"""What is asked of base and adapter, as JSON-like items: the same for every engine, decided by fixed seeds.

Kinds: `exact` and `typed` (a prompt and its one right answer), `story` (an opening to go on from), `loss` (ids to be predicted).
"""
from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Iterator

from tokenizers import Tokenizer

from .data import SOURCES, Item, as_typed, play_passages
from .rows import IGNORED, pair_of, windows

COUNT = 100
TYPED_COUNT = 50
LOSS_ROWS = 32
BASE_OPENINGS = 20  # stories of the base end well by training; a few show it
ANSWER_TOKENS, STORY_TOKENS, SAMPLE_TOKENS = 48, 200, 120
TEMPERATURE = 0.8
SAMPLES: dict[str, list[str]] = {
    "bard": ["MIA:\n", "Once upon a time", "KING:\nMy lord,"],
    "swap": ["Sentence: Tom met Mia near the river.\nSwapped:", "Sentence: Lucy gave Jack a red kite.\nSwapped:",
             "<|instruction|> Swap the names.<|input|> \"Thank you, Anna,\" said Ben.<|label|>"],
    "translate": ["Korean: 민수는 공원에서 책을 찾았어요.\nEnglish:", "Korean: 바다에 빨간 토끼가 있었어요. 하나는 밤에 행복했어요.\nEnglish:",
                  "<|instruction|> Translate to English.<|input|> 할머니는 시장에서 꽃을 샀어요.<|label|>"],
    "sad": ["A little fox named Mia lived near the river.", "Once upon a time", "There was a boy named Tom. He had a blue boat."],
}


def exact_items(name: str) -> Iterator[Item]:
    """Triplets, and the first of them once more in plain words."""
    examples = list(islice(SOURCES[name](f"items/{name}", True), COUNT))
    asked = {"maxTokens": ANSWER_TOKENS, "temperature": 0, "seed": 0}
    for example in examples:
        yield {**asked, "kind": "exact", "prompt": example.prompt, "answer": example.label}
    for example in examples[:TYPED_COUNT]:
        yield {**asked, "kind": "typed", "prompt": as_typed(example.prompt), "answer": example.label}


def story_items(name: str) -> Iterator[Item]:
    """The same openings greedily and drawn."""
    for index, example in enumerate(islice(SOURCES[name](f"items/{name}", True), COUNT)):
        asked = {"kind": "story", "prompt": example.prompt, "bindings": example.bindings, "maxTokens": STORY_TOKENS}
        yield {**asked, "temperature": 0, "seed": 0}
        yield {**asked, "temperature": TEMPERATURE, "seed": 1000 + index}


def loss_items(name: str, tokenizer: Tokenizer, shared: Path | None) -> Iterator[Item]:
    """Held-out rows as in training; targets before `start` do not count: an answer is scored, its question is not."""
    if name == "bard":
        rows = windows(tokenizer, play_passages(shared, True)) if shared else []
    else:
        examples = islice(SOURCES[name](f"items/{name}", True), LOSS_ROWS)
        rows = [pair_of(tokenizer, replace(example, whole=False)) for example in examples]
    for inputs, targets in rows[:LOSS_ROWS]:
        yield {"kind": "loss", "ids": [*inputs, targets[-1]], "start": sum(target == IGNORED for target in targets)}


def sample_items(name: str) -> Iterator[Item]:
    """Unpicked: these prompts with these seeds; what has one right answer is asked greedily."""
    temperature = 0 if name in ("swap", "translate") else TEMPERATURE
    for seed, prompt in enumerate(SAMPLES[name], start=1):
        yield {"kind": "sample", "prompt": prompt, "maxTokens": SAMPLE_TOKENS, "temperature": temperature, "seed": seed}


def items_for(name: str, tokenizer: Tokenizer, shared: Path | None, *, base: bool) -> list[Item]:
    items = [*sample_items(name), *loss_items(name, tokenizer, shared)]
    if name == "sad":
        items += islice(story_items(name), 2 * (BASE_OPENINGS if base else COUNT))
    elif name != "bard":
        items += exact_items(name)
    return items
