"""Examples and running text as rows of ids with their targets. Standard library and tokenizers only."""
from __future__ import annotations

from tokenizers import Tokenizer

from .data import Example

END = 0  # begins and ends every text
IGNORED = -100  # target of positions that teach nothing
WINDOW = 256  # tokens of running text in a row

Pair = tuple[list[int], list[int]]  # inputs and targets of one row, equally long


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def pair_of(tokenizer: Tokenizer, example: Example) -> Pair:
    """Row of a prompt and its answer; only the answer and the end are targets, or all of the text."""
    prompt = [END, *encode(tokenizer, example.prompt)]
    label = [*encode(tokenizer, example.label), END]
    ids = prompt + label
    hidden = 0 if example.whole else len(prompt) - 1
    return ids[:-1], [IGNORED] * hidden + ids[1 + hidden:]


def windows(tokenizer: Tokenizer, passages: list[str]) -> list[Pair]:
    """Rows of running text, each behind a begin token."""
    rows = []
    for passage in passages:
        ids = encode(tokenizer, passage)
        for at in range(0, len(ids), WINDOW - 1):
            piece = ids[at:at + WINDOW - 1]
            rows.append(([END, *piece[:-1]], piece))
    return rows
