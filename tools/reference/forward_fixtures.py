"""Writes float64 references of every fine step as little float32 binaries with an index.

    python tools/reference/forward_fixtures.py                                   the tiny checkpoints
    python tools/reference/forward_fixtures.py public/models/ID [--prompt TEXT]  one model, f32, q8_0 and q4_0 logits

NAME.bin holds little-endian float32 tensors one after the other; NAME.json holds `ids`, `rows` (the prompt rows kept of
every tensor; all of them when they fit), and `tensors`: { name, shape, offset in bytes }. The row axis of attention
tensors [heads, rows, positions] is the second, of all others the first. `logits@q8_0` and `logits@q4_0` are logits over
the dequantised weights.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from forward import Steps, load_forward, run_forward
from tiny_cases import CONFIGS
from tokenizers import Tokenizer

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
TINY = ["llama", "llama3-rope", "qwen2", "gpt2"]
TINY_ROWS = 12
# Of the longer prompts: inside every window, around the edge of the cache's pages, past every window.
LONG_ROWS = [7, 31, 45, 63]
PROMPT = "Once upon a time there was a little girl who lived in"
PROMPT_TOKENS = 12
MAX_BYTES = 600_000


def keep_rows(name: str, value: np.ndarray, rows: list[int]) -> np.ndarray:
    return value[:, rows] if name.endswith((".scores", ".probs")) else value[rows]


def spread_rows(count: int, kept: int) -> list[int]:
    """`kept` of `count` rows, evenly spaced, the last always among them."""
    return [int(i) for i in np.unique(np.linspace(count - 1, 0, kept).round())] if kept > 1 else [count - 1]


def rows_that_fit(steps: Steps, count: int) -> list[int]:
    size_of_row = sum(value.size for value in steps.values()) * 4 / count
    return spread_rows(count, max(1, min(count, int(MAX_BYTES / size_of_row))))


def write_fixture(name: str, ids: list[int], steps: Steps, source: str, rows: list[int] | None = None) -> None:
    rows = rows or rows_that_fit(steps, len(ids))
    folder = FIXTURES / "forward"
    folder.mkdir(parents=True, exist_ok=True)
    index, offset = [], 0
    with (folder / f"{name}.bin").open("wb") as out:
        for step, value in steps.items():
            kept = np.ascontiguousarray(keep_rows(step, value, rows), "<f4")
            index.append({"name": step, "shape": list(kept.shape), "offset": offset})
            offset += out.write(kept.tobytes())
    lines = ",\n".join("    " + json.dumps(entry) for entry in index)
    head = f'  "model": {json.dumps(source)},\n  "ids": {ids},\n  "rows": {rows},\n'
    (folder / f"{name}.json").write_text("{\n" + head + f'  "tensors": [\n{lines}\n  ]\n' + "}\n")
    print(f"{name:18} {len(index)} tensors, rows {rows}, {offset / 1000:.0f} kB")


def tiny_fixtures() -> None:
    for name in TINY:
        folder = FIXTURES / "models" / name
        ids = json.loads((folder / "expected.json").read_text())["ids"][:TINY_ROWS]
        write_fixture(name, ids, run_forward(load_forward(folder), ids), f"tests/fixtures/models/{name}")
    for name in CONFIGS:
        folder = FIXTURES / "models" / name
        ids = json.loads((folder / "expected.json").read_text())["ids"]
        steps = run_forward(load_forward(folder), ids)
        write_fixture(name, ids, steps, f"tests/fixtures/models/{name}", LONG_ROWS)


def model_fixture(folder: Path, prompt: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bos = json.loads((folder / "config.json").read_text())["bos_token_id"]
    ids = ([bos] + tokenizer.encode(prompt, add_special_tokens=False).ids)[:PROMPT_TOKENS]
    steps = run_forward(load_forward(folder), ids)
    for weights in ("q8_0", "q4_0"):
        steps[f"logits@{weights}"] = run_forward(load_forward(folder, weights), ids)["logits"]
    write_fixture(folder.name, ids, steps, folder.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--prompt", default=PROMPT, help=f"its first {PROMPT_TOKENS} tokens, the start token included")
    args = parser.parse_args()
    if args.model:
        model_fixture(args.model, args.prompt)
    else:
        tiny_fixtures()


if __name__ == "__main__":
    main()
