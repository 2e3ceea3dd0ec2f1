"""Measures a demo adapter against its base: `python -m adapters.evaluate --adapter NAME --model DIR --folder DIR
[--shared DIR] [--engine tokenscope|torch] [--out FILE]`, in `tools/`."""
from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from .data import Item
from .items import items_for
from .recipes import RECIPES
from .score import score

ENGINE = Path(__file__).with_name("engine.mjs")
LIBRARY = Path(__file__).parents[2] / "dist" / "lib" / "index.js"


def answer_with_tokenscope(library: Path, model: Path, adapter: Path | None, items: list[Item]) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "items.jsonl"), Path(folder, "answers.jsonl")
        asked.write_text("\n".join(json.dumps(item) for item in items) + "\n")
        subprocess.run(["node", str(ENGINE), str(library), str(model), str(adapter or "-"), str(asked), str(answered)], check=True)
        return [json.loads(line) for line in answered.read_text().splitlines()]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    tokenizer = Tokenizer.from_file(str((args.tokenizer or args.model) / "tokenizer.json"))
    result: dict[str, Any] = {"adapter": args.adapter, "engine": args.engine}
    for side, folder in (("base", None), ("adapted", args.folder)):
        items = items_for(args.adapter, tokenizer, args.shared, base=folder is None)
        if args.kinds:
            items = [item for item in items if item["kind"] in args.kinds.split(",")]
        if args.engine == "torch":
            from .twin import Twin
            answered = Twin(args.model, folder, tokenizer).answer(items)
        else:
            answered = answer_with_tokenscope(args.library, args.model, folder, items)
        samples = [{key: item[key] for key in ("prompt", "seed", "temperature", "text")} for item in answered if item["kind"] == "sample"]
        result[side] = {**score(answered), "samples": samples}
        if args.failures:
            wrong = [item for item in answered if item["kind"] in ("exact", "typed") and item["text"].strip() != item["answer"].strip()]
            print("\n".join(f"{side}: {item['prompt']}\n  {item['text']!r}, expected {item['answer']!r}" for item in wrong[:args.failures]))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", choices=list(RECIPES), required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, help="folder of tokenizer.json where the model's has none")
    parser.add_argument("--folder", type=Path, required=True, help="the adapter's")
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/; without it loss on plays is not measured")
    parser.add_argument("--engine", choices=["tokenscope", "torch"], default="tokenscope")
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--kinds", help="only these kinds of item, separated by commas")
    parser.add_argument("--failures", type=int, default=0, help="print so many wrong answers of each side")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    text = json.dumps(measure(args), indent=1, ensure_ascii=False)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
