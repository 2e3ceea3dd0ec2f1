"""What is kept out of training, decided by hashes so that every rebuild keeps out the same."""
from __future__ import annotations

import hashlib
import random
from itertools import count
from typing import Iterator

from .grammar import Bindings, Story, write
from .korean import Sentence, sentence
from .plots import PLOTS

HELD_OUT_DOCUMENTS = 20  # one document in this many of each real-text source
HELD_OUT_SENTENCES = 10  # one Korean sentence in this many
WITHHELD_PAIRS = 20  # one pair in this many of (name, thing), (thing, place) and (name, place)


def bucket(text: str, buckets: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % buckets


def document_is_held_out(text: str) -> bool:
    return bucket("document:" + text.strip(), HELD_OUT_DOCUMENTS) == 0


def sentence_is_held_out(item: Sentence) -> bool:
    return bucket("korean:" + item.korean, HELD_OUT_SENTENCES) == 0


def combination_is_withheld(bindings: Bindings) -> bool:
    """A story is withheld when any pair of its hero's name, thing and place is: that pair never meets in training."""
    name, thing, place = bindings["A"], bindings["noun"], bindings["place"]
    pairs = (f"name+thing:{name}+{thing}", f"thing+place:{thing}+{place}", f"name+place:{name}+{place}")
    return any(bucket(pair, WITHHELD_PAIRS) == 0 for pair in pairs)


def stories(seed: str, *, withheld: bool = False, ending: str = "happy") -> Iterator[Story]:
    """Endless stories; story k depends on `seed` and k alone."""
    for index in count():
        rng = random.Random(f"{seed}/{index}")
        story = write(rng.choice(PLOTS), rng, ending=ending)
        if combination_is_withheld(story.bindings) == withheld:
            yield story


def sentences(seed: str, *, held_out: bool = False) -> Iterator[Sentence]:
    """Endless parallel sentences of one side of the split."""
    rng = random.Random(seed)
    while True:
        item = sentence(rng)
        if sentence_is_held_out(item) == held_out:
            yield item
