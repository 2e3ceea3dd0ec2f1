"""Rows for training: whole short documents packed side by side, real text in running chunks, repeated random tokens."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

RUNNING = ("tinystories", "tales")  # long documents: cut anywhere, continued in a later row
IGNORED = -100  # target of positions that teach nothing
FIRST_PLAIN_TOKEN = 16  # ids below are reserved


@dataclass
class Row:
    """Inputs, targets and segments, each [length]; positions see only their own segment."""

    inputs: np.ndarray
    targets: np.ndarray
    segments: np.ndarray


class Part:
    """One part's documents in an endless shuffled order."""

    def __init__(self, folder: Path, name: str, rng: np.random.Generator):
        self.ids = np.load(folder / f"{name}.ids.npy", mmap_mode="r")
        self.starts = np.load(folder / f"{name}.starts.npy")
        self.rng = rng
        self.order: list[int] = []
        self.pending: np.ndarray | None = None
        self.returned: np.ndarray | None = None

    def document(self) -> np.ndarray:
        """The next document, begin token first and end token last."""
        if self.returned is not None:
            ids, self.returned = self.returned, None
            return ids
        if not self.order:
            self.order = self.rng.permutation(len(self.starts) - 1).tolist()
        index = self.order.pop()
        return np.append(self.ids[self.starts[index]:self.starts[index + 1]].astype(np.int64), 0)

    def take(self, length: int) -> np.ndarray:
        """At most length + 1 ids of the running text, the last one only as a target."""
        ids = self.document() if self.pending is None else self.pending
        self.pending = ids[length:] if len(ids) > length + 1 else None
        return ids[:length + 1]


class Batches:
    """Draws batches by the parts' shares of tokens; the state is the generator's seed and the step."""

    def __init__(self, folder: Path, shares: dict[str, float], vocabulary: int, seed: int):
        self.rng = np.random.default_rng(seed)
        self.vocabulary = vocabulary
        self.parts = {name: Part(folder, name, self.rng) for name in shares if (folder / f"{name}.ids.npy").exists()}
        self.shares = {name: share for name, share in shares.items() if name in self.parts or name == "induction"}
        self.given = {name: 0.0 for name in self.shares}

    def _neediest(self, names: list[str]) -> str:
        total = sum(self.given[name] for name in self.shares) + 1
        return min(names, key=lambda name: self.given[name] / total - self.shares[name])

    def _block(self) -> list[int]:
        """8-64 random tokens: half the time any of the vocabulary alike, else as often as a part's text has them."""
        size = int(self.rng.integers(8, 65))
        names = [name for name in RUNNING if name in self.parts]
        if not names or self.rng.random() < 0.5:
            return self.rng.integers(FIRST_PLAIN_TOKEN, self.vocabulary, size).tolist()
        ids = self.parts[names[int(self.rng.integers(len(names)))]].ids
        return ids[self.rng.integers(0, len(ids), size)].tolist()

    def _induction(self, length: int) -> Row:
        """Random blocks, each shown two to six times; first copies are not targets."""
        ids, teach = [0], [False]
        while len(ids) < length + 1:
            block = self._block()
            again = [False] + [True] * (len(block) - 1)  # where a copy begins cannot be known
            repeats = int(self.rng.integers(2, 7))
            ids += block * repeats
            teach += [False] * len(block) + again * (repeats - 1)
        row, taught = np.array(ids[:length + 1]), np.array(teach[1:length + 1])
        self.given["induction"] += length
        return Row(row[:-1], np.where(taught, row[1:], IGNORED), np.zeros(length, dtype=np.int64))

    def _packed(self, length: int) -> Row:
        inputs, targets, segments = np.zeros(length, np.int64), np.full(length, IGNORED), np.zeros(length, np.int64)
        at, segment = 0, 0
        running = [name for name in RUNNING if name in self.parts]
        whole = [name for name in self.parts if name not in RUNNING]
        misses = 0
        while at < length:
            name = self._neediest(whole + running) if misses < 3 else self._neediest(running or whole)
            part = self.parts[name]
            ids = part.take(length - at) if name in running else part.document()
            if name not in running and len(ids) - 1 > length - at:
                if at > 0 and misses < 3:
                    misses += 1
                    part.returned = ids
                    continue
                if at > 0 and not running:
                    part.returned = ids
                    break
                ids = ids[:length - at + 1]
            count = len(ids) - 1
            inputs[at:at + count], targets[at:at + count], segments[at:at + count] = ids[:-1], ids[1:], segment
            self.given[name] += count
            at, segment = at + count, segment + 1
        segments[at:] = segment
        return Row(inputs, targets, segments)

    def draw(self, rows: int, length: int) -> list[Row]:
        return [self._induction(length) if self._neediest(list(self.shares)) == "induction" else self._packed(length)
                for _ in range(rows)]


def causal_within_segments(segments: np.ndarray) -> np.ndarray:
    """[rows, 1, length, length], true where a position may look."""
    length = segments.shape[1]
    same = segments[:, None, :, None] == segments[:, None, None, :]
    return same & np.tril(np.ones((length, length), dtype=bool))
