"""Greedy continuations in float64 with the margin between the two largest logits at every step.

    python tools/reference/greedy.py public/models/ID [--tokens 128]

Writes tests/fixtures/forward/ID-greedy.json: per prompt its text, ids (start token first), `greedy` (up to and
including the end token) and `margins`, one per greedy id. A run may leave `greedy` only at a step whose margin is tiny.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from forward import KvCache, Model, load_forward, run_forward
from tokenizers import Tokenizer

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "forward"
PROMPTS = [
    "Long ago in a village by the river",
    "The old king had three sons",
    "One day, a little girl named Lily",
    "There was once a fox who",
    "In the middle of the dark forest",
    "Tom and his dog",
    "A poor woodcutter lived",
    '"Who are you?" asked',
    "It was raining, and",
    "The princess looked out of the window",
    "The cat sat",
    "Mother said to the children",
    "Far away across the sea",
    "The bird could not fly because",
    "Once there were two brothers, one rich and one poor",
    "She opened the box and",
    "The wind blew",
    "A little bear wanted",
    "At last the wolf",
    "",
]


def continue_greedily(model: Model, ids: list[int], count: int, ends: set[int]) -> tuple[list[int], list[float]]:
    cache, rows = KvCache(), ids
    greedy: list[int] = []
    margins: list[float] = []
    while len(greedy) < count and not (greedy and greedy[-1] in ends):
        logits = run_forward(model, rows, cache)["logits"][-1]
        second, first = np.argsort(logits)[-2:]
        greedy.append(int(first))
        margins.append(float(f"{logits[first] - logits[second]:.6g}"))
        rows = greedy[-1:]
    return greedy, margins


def write_greedy(folder: Path, tokens: int) -> None:
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = load_forward(folder)
    end = config["eos_token_id"]
    ends = set(end) if isinstance(end, list) else {end}
    cases = []
    for prompt in PROMPTS:
        ids = [config["bos_token_id"]] + tokenizer.encode(prompt, add_special_tokens=False).ids
        greedy, margins = continue_greedily(model, ids, tokens, ends)
        cases.append({"prompt": prompt, "ids": ids, "greedy": greedy, "margins": margins})
        print(f"{len(greedy):4} tokens, smallest margin {min(margins):.2e}: {prompt}{tokenizer.decode(greedy)[:60]!r}")
    lines = ",\n".join("    " + json.dumps(case, separators=(",", ":")) for case in cases)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    head = f'  "model": {json.dumps(folder.name)},\n  "tokens": {tokens},\n'
    (FIXTURES / f"{folder.name}-greedy.json").write_text("{\n" + head + f'  "cases": [\n{lines}\n  ]\n' + "}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=128)
    args = parser.parse_args()
    write_greedy(args.model, args.tokens)


if __name__ == "__main__":
    main()
