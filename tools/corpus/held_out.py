"""The made documents that measure loss; training never sees their like."""
from __future__ import annotations

import random
from itertools import islice

from . import tasks
from .split import combination_is_withheld, sentences, stories

SEED = "tokenscope-corpus-1"


def held_out_parts() -> dict[str, list[str]]:
    """What measures loss: stories of withheld combinations, Korean sentences of the held-out side."""
    rng = random.Random(SEED + "/held-out")
    withheld = list(islice(stories(SEED + "/held-out", withheld=True), 300))
    assert all(combination_is_withheld(story.bindings) for story in withheld)
    korean = list(islice(sentences(SEED + "/held-out", held_out=True), 600))
    return {
        "stories": [story.text for story in withheld],
        "answers": [tasks.answer_triplet(story, rng) for story in withheld],
        "korean": [" ".join(item.korean for item in korean[at:at + 5]) for at in range(0, len(korean), 5)],
    }
