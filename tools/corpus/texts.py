"""Real stories: the TinyStories sample, and of the public-domain tales those that are simplest by measure."""
from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from .split import document_is_held_out

SEPARATOR = "<|endoftext|>"
MIN_KNOWN = 0.92  # share of a tale's words that the TinyStories sample uses at least three times
MAX_SENTENCE = 16.0  # mean words a sentence


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _documents(path: Path) -> list[str]:
    return [text.strip() for text in path.read_text(encoding="utf-8").split(SEPARATOR) if text.strip()]


def is_simple(text: str, known: set[str]) -> bool:
    words = _words(text)
    ends = max(1, len(re.findall(r"[.!?]", text)))
    return bool(words) and sum(word in known for word in words) / len(words) >= MIN_KNOWN and len(words) / ends <= MAX_SENTENCE


def load_texts(shared: Path) -> dict[str, dict[str, list[str]]]:
    """{'tinystories' | 'tales': {'train' | 'held_out': documents}} from the folder that holds `corpus/`."""
    modern = _documents(shared / "corpus" / "tinystories-sample.txt")
    counts = Counter(word for text in modern for word in _words(text))
    known = {word for word, number in counts.items() if number >= 3}
    tales = [text for text in _documents(shared / "corpus" / "tales.txt") if is_simple(text, known)]
    return {
        name: {"train": [text for text in texts if not document_is_held_out(text)],
               "held_out": [text for text in texts if document_is_held_out(text)]}
        for name, texts in (("tinystories", modern), ("tales", tales))
    }
