"""What the evidence asks of a model, as JSON lines: the same for every engine, decided by fixed seeds.

Kinds: `story` (a prompt to go on from), `question` / `translate` / `swap` (a prompt and its exact answer), `induction`
(ids), `bytes` (a held-out text to be predicted).
"""
from __future__ import annotations

import random
from itertools import islice
from pathlib import Path
from typing import Any, Iterator

from corpus import tasks
from corpus.held_out import SEED, held_out_parts
from corpus.split import sentences, stories
from corpus.texts import load_texts

Task = dict[str, Any]
STORY_TEMPERATURE = 0.8
STORIES = 100  # prompts of each group
STORY_TOKENS = 260
ANSWER_TOKENS = 48
INDUCTION = 32  # tokens of a block that is shown twice


def story_tasks() -> Iterator[Task]:
    """Openings whose combination training was free to use, and openings whose combination was withheld from it."""
    groups = {"seen": stories(SEED + "/stories"), "withheld": stories("evidence/stories", withheld=True)}
    for group, source in groups.items():
        for index, story in enumerate(islice(source, STORIES)):
            yield {"kind": "story", "group": group, "prompt": story.prompt, "maxTokens": STORY_TOKENS,
                   "temperature": STORY_TEMPERATURE, "seed": 1000 + index, "stop": []}


def answer_tasks() -> Iterator[Task]:
    """Questions about unseen stories of withheld combinations, held-out Korean sentences, names to be swapped."""
    rng = random.Random("evidence/answers")
    base = {"maxTokens": ANSWER_TOKENS, "temperature": 0, "seed": 0}
    for story in islice(stories("evidence/questions", withheld=True), 100):
        for question, answer in rng.sample(story.questions, 2):
            yield {**base, "kind": "question", "prompt": f"{tasks.QUESTIONS_FOLLOW}\n{story.text}\nQuestion: {question}\nAnswer:", "answer": " " + answer,
                   "stop": ["\n"], "question": question}
    for item in islice(sentences("evidence/korean", held_out=True), 100):
        prompt = tasks.triplet("Translate to English.", item.korean, "")
        yield {**base, "kind": "translate", "prompt": prompt, "answer": item.english, "stop": []}
    for _ in range(100):
        given, label = tasks.swap_pair(rng)
        yield {**base, "kind": "swap", "prompt": tasks.triplet("Swap the names.", given, ""), "answer": label, "stop": []}


def induction_tasks(vocabulary: int) -> Iterator[Task]:
    """The begin token, 32 random tokens, the same 32 again."""
    rng = random.Random("evidence/induction")
    for _ in range(64):
        block = [rng.randrange(len(tasks.RESERVED), vocabulary) for _ in range(INDUCTION)]
        yield {"kind": "induction", "ids": [0, *block, *block]}


def byte_tasks(shared: Path | None) -> Iterator[Task]:
    """Held-out texts, at most 120,000 characters of a part."""
    parts = {"korean": held_out_parts()["korean"], "stories": held_out_parts()["stories"][:100]}
    if shared:
        parts |= {name: sides["held_out"] for name, sides in load_texts(shared).items()}
    for name, texts in parts.items():
        left = 120_000
        for text in texts:
            if left > 0:
                left -= len(text)
                yield {"kind": "bytes", "part": name, "text": text}


def sample_tasks() -> Iterator[Task]:
    """What the card shows, unpicked: these prompts with these seeds."""
    prompts = ["Once upon a time", "A little fox named Mia lived near the river.", "It was a cold night, and",
               "<|user|>Tell me a story about a bear named Tom and a red kite.<|end|><|assistant|>", "민수는 공원에서",
               "Count: 7 8 9"]
    for seed, prompt in enumerate(prompts, start=1):
        yield {"kind": "sample", "prompt": prompt, "maxTokens": 160, "temperature": STORY_TEMPERATURE, "seed": seed, "stop": []}


def all_tasks(vocabulary: int, shared: Path | None) -> list[Task]:
    return [*sample_tasks(), *story_tasks(), *answer_tasks(), *induction_tasks(vocabulary), *byte_tasks(shared)]
