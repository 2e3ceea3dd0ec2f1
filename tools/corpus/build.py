"""Writes the corpus: `python -m corpus.build --shared DIR --out DIR [--scale S]`, run inside `tools/`.

Makes every part, trains the tokenizer on a sample of them, and stores each part as ids: `NAME.ids.npy` (uint16) and
`NAME.starts.npy` (int64, one more than documents); `held_out/` has the same of what training never sees.
"""
from __future__ import annotations

import argparse
import json
import random
from itertools import islice
from pathlib import Path
from typing import Iterator

import numpy as np
from tokenizers import Tokenizer

from . import tasks
from .held_out import SEED, held_out_parts
from .korean import Sentence, passage
from .split import sentence_is_held_out, sentences, stories
from .texts import load_texts
from .tokenizer import train_tokenizer, write_tokenizer

# Documents at scale 1, and the share of training tokens each part gets. Induction rows are drawn by the trainer.
COUNTS = {"stories": 80_000, "chat": 5_000, "answers": 5_000, "triplets": 1_500, "counting": 12_000, "korean": 12_000,
          "parallel": 1_500}
SHARES = {"tinystories": 0.34, "tales": 0.03, "stories": 0.44, "chat": 0.015, "answers": 0.025, "triplets": 0.006,
          "counting": 0.006, "korean": 0.037, "parallel": 0.006, "induction": 0.095}
QUESTIONED = 0.25  # share of stories followed by questions and answers


def _story_documents(rng: random.Random) -> Iterator[str]:
    for story in stories(SEED + "/stories"):
        yield tasks.story_with_questions(story, rng) if rng.random() < QUESTIONED else story.text


def _triplets(rng: random.Random) -> Iterator[str]:
    """Repetition, so that the format is learned, and few translations; swapping names is left to adapters."""
    pairs = sentences(SEED + "/triplets")
    while True:
        yield tasks.copy_triplet(rng) if rng.random() < 0.85 else tasks.translate_triplet(next(pairs))


def _passages(rng: random.Random) -> Iterator[list[Sentence]]:
    while True:
        items = [item for item in passage(rng) if not sentence_is_held_out(item)]
        if items:
            yield items


def made_parts(scale: float) -> dict[str, list[str]]:
    """The generated documents of every part."""
    rng = {name: random.Random(f"{SEED}/{name}") for name in COUNTS}
    sources: dict[str, Iterator[str]] = {
        "stories": _story_documents(rng["stories"]),
        "chat": (tasks.chat(story, rng["chat"]) for story in stories(SEED + "/chat")),
        "answers": (tasks.answer_triplet(story, rng["answers"]) for story in stories(SEED + "/answers")),
        "triplets": _triplets(rng["triplets"]),
        "counting": (tasks.counting(rng["counting"]) for _ in iter(int, 1)),
        "korean": (" ".join(item.korean for item in items) for items in _passages(rng["korean"])),
        "parallel": (" ".join(item.korean for item in items) + "\n" + " ".join(item.english for item in items)
                     for items in _passages(rng["parallel"])),
    }
    return {name: list(islice(source, max(40, round(COUNTS[name] * scale)))) for name, source in sources.items()}


def store(folder: Path, parts: dict[str, list[str]], tokenizer: Tokenizer) -> dict[str, int]:
    """Encodes and writes parts; returns tokens a part. Each document starts with the begin token; its end is implied."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, documents in parts.items():
        encoded = [item.ids for item in tokenizer.encode_batch(documents)]
        starts = np.cumsum([0] + [len(ids) for ids in encoded])
        np.save(folder / f"{name}.ids.npy", np.array([i for ids in encoded for i in ids], dtype=np.uint16))
        np.save(folder / f"{name}.starts.npy", starts.astype(np.int64))
        sizes[name] = int(starts[-1])
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/; without it the made parts stand alone")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the made documents to write")
    parser.add_argument("--vocabulary", type=int, default=4608)
    args = parser.parse_args()

    parts = made_parts(args.scale)
    held_out = held_out_parts()
    if args.shared:
        for name, sides in load_texts(args.shared).items():
            parts[name], held_out[name] = sides["train"], sides["held_out"]
    tokenizer = train_tokenizer(parts, args.vocabulary)
    write_tokenizer(tokenizer, args.out)
    sizes = {"train": store(args.out, parts, tokenizer), "held_out": store(args.out / "held_out", held_out, tokenizer),
             "documents": {name: len(documents) for name, documents in parts.items()}, "shares": SHARES}
    (args.out / "parts.json").write_text(json.dumps(sizes, indent=1) + "\n")
    print(json.dumps(sizes))


if __name__ == "__main__":
    main()
