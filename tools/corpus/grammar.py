"""Templates that both write and read stories.

A template is a string with `{variable}` and `[this|that]` choices. A plot is a list of slots, a slot a list of templates,
an empty template meaning "may be left out". `write` draws one story and its bindings; `read` is the checker: it accepts a
text only if one plot derives it exactly, with every name, thing, place, pronoun and number bound once and kept.
"""
from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Iterator

from . import lexicon as lex

Bindings = dict[str, str]
# A node is a literal, a variable, or a choice between node lists.
Node = tuple[str, object]

CLASSES: dict[str, list[str]] = {
    "name": lex.GIRLS + lex.BOYS,
    "kind": lex.KINDS,
    "animal": lex.KINDS[2:],
    "adjective": lex.ADJECTIVES,
    "thing": lex.THINGS,
    "place": lex.PLACES,
    "spot": lex.SPOTS[:len(lex.SPOTS) // 2],
    "hideout": lex.SPOTS[len(lex.SPOTS) // 2:],
    "elder": lex.ELDERS,
    "food": lex.FOODS,
    "fruits": lex.FRUITS,
    "number": lex.NUMBERS[2:3],
    "total": lex.NUMBERS[3:7],
    "worker": lex.WORKERS,
    "bird": lex.BIRDS,
}
VARIABLES = {
    "A": "name", "B": "name", "kind": "kind", "bkind": "animal", "adj": "adjective", "noun": "thing", "adj2": "adjective",
    "noun2": "thing", "place": "place", "place2": "place", "spot1": "spot", "spot2": "hideout",
    "elder": "elder", "food": "food", "fruits": "fruits", "k": "number", "n": "total", "worker": "worker", "bird": "bird",
}
# Two people never share a name and two things never a word; kinds, adjectives and places may come twice.
DISTINCT = {"name", "thing"}
PRONOUNS = {"he": ("he", "she"), "his": ("his", "her"), "him": ("him", "her")}


def _is_female(bindings: Bindings, owner: str) -> bool:
    if owner == "elder":
        return bindings["elder"] in lex.FEMALE_ELDERS
    return bindings[owner] in lex.FEMALE


def _derived(name: str, bindings: Bindings) -> str | None:
    """Text of a variable that follows from others: pronouns, plurals, sums."""
    lower = name.lower()
    for prefix, owner in (("b_", "B"), ("e_", "elder"), ("", "A")):
        if lower.startswith(prefix) and lower[len(prefix):] in PRONOUNS:
            word = PRONOUNS[lower[len(prefix):]][_is_female(bindings, owner)]
            return word.capitalize() if name[len(prefix)].isupper() else word
    if name[0].isupper():
        text = _derived(name[0].lower() + name[1:], bindings)
        return None if text is None else text[0].upper() + text[1:]
    if name == "left":
        return lex.NUMBERS[lex.NUMBERS.index(bindings["n"]) - lex.NUMBERS.index(bindings["k"])]
    if name == "counting":
        total = lex.NUMBERS.index(bindings["n"])
        return ", ".join(lex.NUMBERS[1:total + 1])
    return None


def _base(name: str) -> str:
    """`a_adj` is `adj` with its article; `Spot2` and `A_adj` stand at the start of a sentence."""
    stem = name.removeprefix("a_").removeprefix("A_")
    return stem if stem in VARIABLES else stem[0].lower() + stem[1:]


def _shown(name: str, value: str) -> str:
    """The text of variable `name` once its value is known."""
    text = f"{lex.article(value)} {value}" if name.lower().startswith("a_") else value
    return text if name in VARIABLES or name[0].islower() else text[0].upper() + text[1:]


def allowed(name: str, value: str, bindings: Bindings) -> bool:
    """Whether `value` may become the value of variable `name` beside what is already bound."""
    kind_class = VARIABLES[name]
    if kind_class in DISTINCT and any(VARIABLES[other] == kind_class and bindings[other] == value for other in bindings):
        return False
    pair = {**bindings, name: value}
    if "A" in pair and pair.get("kind") in ("girl", "boy"):
        return (pair["kind"] == "girl") == (pair["A"] in lex.FEMALE)
    return True


def parse_template(text: str) -> list[Node]:
    """Splits a template into nodes; choices do not nest."""
    nodes: list[Node] = []
    for part in re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^\[{]+", text):
        if part[0] == "{":
            nodes.append(("variable", part[1:-1]))
        elif part[0] == "[":
            nodes.append(("choice", [parse_template(option) for option in part[1:-1].split("|")]))
        else:
            nodes.append(("literal", part))
    return nodes


Slot = list[list[Node]]


def parse_slots(text: str) -> list[Slot]:
    """One slot a line, templates separated by ` / `, `-` for the empty one."""
    slots: list[Slot] = []
    for line in text.strip().splitlines():
        slots.append([[] if option == "-" else parse_template(option) for option in line.strip().split(" / ")])
    return slots


@dataclass
class Plot:
    """A plot: shared beginning, then a happy or a bad ending; `facts` are (question, answer) over the happy story."""

    name: str
    opening: list[Slot]
    middle: list[Slot]
    happy: list[Slot]
    bad: list[Slot]
    facts: list[tuple[list[Node], list[Node]]]

    def slots(self, ending: str) -> list[Slot]:
        return self.opening + self.middle + (self.happy if ending == "happy" else self.bad)


@dataclass
class Story:
    plot: str
    text: str
    prompt: str
    bindings: Bindings = field(default_factory=dict)
    questions: list[tuple[str, str]] = field(default_factory=list)


def _render(nodes: list[Node], bindings: Bindings, rng: random.Random) -> str:
    out: list[str] = []
    for kind, value in nodes:
        if kind == "literal":
            out.append(str(value))
        elif kind == "choice":
            out.append(_render(rng.choice(value), bindings, rng))  # type: ignore[arg-type]
        else:
            out.append(_draw(str(value), bindings, rng))
    return "".join(out)


def _draw(name: str, bindings: Bindings, rng: random.Random) -> str:
    base = _base(name)
    if base not in VARIABLES:
        text = _derived(name, bindings)
        assert text is not None, f"unknown variable {name}"
        return text
    while base not in bindings:
        value = rng.choice(CLASSES[VARIABLES[base]])
        if allowed(base, value, bindings):
            bindings[base] = value
    return _shown(name, bindings[base])


def _join(pieces: list[str]) -> str:
    return " ".join(piece for piece in pieces if piece)


def write(plot: Plot, rng: random.Random, fixed: Bindings | None = None, ending: str = "happy") -> Story:
    """Draws one story of `plot`; `fixed` binds variables beforehand."""
    bindings = dict(fixed or {})
    pieces: list[str] = []
    prompt = ""
    for index, slot in enumerate(plot.slots(ending)):
        pieces.append(_render(rng.choice(slot), bindings, rng))
        if index + 1 == len(plot.opening):
            prompt = _join(pieces)
    facts = plot.facts if ending == "happy" else []
    questions = [(_render(q, bindings, rng), _render(a, bindings, rng)) for q, a in facts
                 if _bound(q, bindings) and _bound(a, bindings)]
    return Story(plot.name, _join(pieces), prompt, bindings, questions)


def _bound(nodes: list[Node], bindings: Bindings) -> bool:
    names = [_base(str(value)) for kind, value in nodes if kind == "variable"]
    return all(name in bindings for name in names if name in VARIABLES)


@dataclass
class Reading:
    """What the checker found: the plot, or how far the best derivation came and what it expected there."""

    ok: bool
    plot: str | None
    position: int
    expected: str
    bindings: Bindings


class _Reader:
    def __init__(self, text: str):
        self.text = text
        self.furthest = 0
        self.expected = ""

    def literal(self, piece: str, at: int) -> bool:
        if self.text.startswith(piece, at):
            return True
        common = 0
        while common < len(piece) and self.text.startswith(piece[:common + 1], at):
            common += 1
        if at + common >= self.furthest:
            self.furthest, self.expected = at + common, piece
        return False

    def nodes(self, nodes: list[Node], index: int, at: int, bindings: Bindings) -> Iterator[tuple[int, Bindings]]:
        if index == len(nodes):
            yield at, bindings
            return
        kind, value = nodes[index]
        if kind == "choice":
            for option in value:  # type: ignore[attr-defined]
                for end, bound in self.nodes(option, 0, at, bindings):
                    yield from self.nodes(nodes, index + 1, end, bound)
        elif kind == "literal":
            if self.literal(str(value), at):
                yield from self.nodes(nodes, index + 1, at + len(str(value)), bindings)
        else:
            for piece, bound in self.variable(str(value), bindings):
                if self.literal(piece, at):
                    yield from self.nodes(nodes, index + 1, at + len(piece), bound)

    def variable(self, name: str, bindings: Bindings) -> Iterator[tuple[str, Bindings]]:
        base = _base(name)
        if base not in VARIABLES:
            text = _derived(name, bindings)
            assert text is not None, f"unknown variable {name}"
            yield text, bindings
        elif base in bindings:
            yield _shown(name, bindings[base]), bindings
        else:
            for value in CLASSES[VARIABLES[base]]:
                if allowed(base, value, bindings):
                    yield _shown(name, value), {**bindings, base: value}

    def slots(self, slots: list[Slot], index: int, at: int, bindings: Bindings) -> Iterator[Bindings]:
        if index == len(slots):
            if at == len(self.text):
                yield bindings
            elif at >= self.furthest:
                self.furthest, self.expected = at, "the end"
            return
        for nodes in slots[index]:
            start = at
            if nodes and at > 0:
                if not self.literal(" ", at):
                    continue
                start = at + 1
            for end, bound in self.nodes(nodes, 0, start, bindings):
                yield from self.slots(slots, index + 1, end, bound)


def read(text: str, plots: list[Plot], ending: str = "happy") -> Reading:
    """Checks a whole story. `ending` says which endings the grammar allows."""
    best = Reading(False, None, -1, "", {})
    for plot in plots:
        reader = _Reader(text)
        for bindings in reader.slots(plot.slots(ending), 0, 0, {}):
            return Reading(True, plot.name, len(text), "", bindings)
        if reader.furthest > best.position:
            best = Reading(False, plot.name, reader.furthest, reader.expected, {})
    return best
