"""Writes an adapter's card and its line in the page's list: `python -m adapters.card --adapter NAME --folder DIR --evidence
FILE [--list FILE]`, in `tools/`. All figures come from the adapter's files and from the evidence."""
from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.split import HELD_OUT_SENTENCES

from .data import HELD_OUT_PAIRS, HELD_OUT_PASSAGES
from .items import SAMPLES
from .recipes import RECIPES, Recipe

FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Words:
    """What a card says that is not measured; `note` is the page's one line."""

    title: str
    note: str
    does: str
    data: str


WORDS = {
    "bard": Words("The Bard", "Everything it writes becomes a play.", "A voice: whatever it is asked, it goes on as an Elizabethan play.",
                  f"Shakespeare's plays (the tinyshakespeare selection, in the public domain), cut into passages of twelve speeches. Held out by hash: one "
                  f"passage in {HELD_OUT_PASSAGES}."),
    "swap": Words("Swapped names", "Repeats a sentence with its two names exchanged.", "Repeats the given sentence with its two names exchanged.",
                  "Sentences about two people: forms of `tools/corpus/tasks.py` and sentences of the stories, drawn anew for every step, a third of "
                  f"them asked in plain words. Held out by hash: one pair of names in {HELD_OUT_PAIRS}; those two never meet in training."),
    "translate": Words("Korean to English", "Translates simple Korean sentences.", "Translates a simple Korean sentence into English.",
                       "Parallel sentences of `tools/corpus/korean.py`, one or two at a time, drawn anew for every step, a third of them asked in plain "
                       f"words. Held out by hash: one sentence in {HELD_OUT_SENTENCES}, the same that the base never saw."),
    "sad": Words("Sad endings", "Every story ends badly.", "Tells the base's stories, and every one ends badly. Beginnings in words "
                 "the story grammar does not have, as in the last sample, may escape it.",
                 "Stories of `tools/corpus/plots.py` with their bad endings, which the base never saw, drawn anew for every step. Held out by hash: the "
                 "combinations of hero, thing and place that were withheld from the base too."),
}
MEASURES = {
    "exact": "held-out sentences, exact", "typed": "the same asked in plain words, exact", "greedy_ends_badly": "held-out openings, greedy: ends badly",
    "drawn_ends_badly": "held-out openings, temperature 0.8: ends badly",
    "greedy_whole": "greedy: the whole story is the grammar's", "drawn_whole": "temperature 0.8: the whole story is the grammar's",
}


LOSS_ON = {"bard": "plays", "sad": "what follows an opening", "swap": "the answer", "translate": "the answer"}


def _measured(name: str, evidence: dict[str, Any]) -> str:
    rows = ["| measure | base | with the adapter |", "|---|---|---|"]
    for key, title in MEASURES.items():
        if key in evidence["adapted"]:
            sides = [f"{side['percent']} % ({side['passed']} of {side['of']})" for side in (evidence["base"][key], evidence["adapted"][key])]
            rows.append(f"| {title} | {sides[0]} | {sides[1]} |")
    losses = [evidence[side].get("loss") for side in ("base", "adapted")]
    if all(losses):
        rows.append(f"| held-out loss on {LOSS_ON[name]}, nats a token ({losses[0]['tokens']:,} tokens) | {losses[0]['nats_per_token']} | {losses[1]['nats_per_token']} |")
    return "\n".join(rows)


def _quoted(text: str) -> str:
    return "> " + text.strip().replace("\n", "\n> ")


def _samples(evidence: dict[str, Any]) -> str:
    blocks = []
    for base, adapted in zip(evidence["base"]["samples"], evidence["adapted"]["samples"]):
        how = f"temperature {adapted['temperature']}, seed {adapted['seed']}" if adapted["temperature"] else "greedy"
        prompt = adapted["prompt"].replace("\n", "⏎")  # a code span holds one line
        blocks.append(f"`{prompt}` ({how})\n\nWith the adapter:\n\n{_quoted(adapted['text'])}\n\nBase:\n\n{_quoted(base['text'])}")
    return "\n\n".join(blocks)


def _kind(config: dict[str, Any]) -> str:
    kind = "DoRA" if config["use_dora"] else "rsLoRA" if config["use_rslora"] else "LoRA"
    return f"{kind}, rank {config['r']}, alpha {config['lora_alpha']}, on {', '.join(f'`{name}`' for name in sorted(config['target_modules']))}"


CARD = """# {title}

{does} {ask}An adapter for `{base}`: {kind}; {bytes:,} bytes, f16, written by PEFT's `save_pretrained`.

## Data

{data}

The adapter carries the base's licence, CDLA-Sharing-1.0 as far as the base derives from TinyStories.

## Training

{steps} steps of {rows} {unit}, AdamW at a peak rate of {rate}, a cosine down; loss on {loss}. Two to four minutes on one CPU core.

## Measured

By `tools/adapters/evaluate.py` on these files, the answers given by {engine}.

{measured}

## Samples

Unpicked.

{samples}

## Rebuild

Inside `tools/`, with its `requirements.txt` and the built library (`npm run build`):

```sh
python -m adapters.rebuild --only {name} --model ../public/models/{base}{shared} --out ../public/adapters
```
"""
ASK = {name: f"Asked as `{prompt}` or as the triplet of reserved tokens shown below. " for name, prompt in
       (("swap", "Sentence: …⏎Swapped:"), ("translate", "Korean: …⏎English:"))}
# Which tokens are targets.
LOSS = {"bard": "every token", "sad": "what follows the opening, in one story of four on every token", "swap": "the answer only", "translate": "the answer only"}


def write_card(name: str, folder: Path, evidence: dict[str, Any]) -> None:
    config = json.loads((folder / FILES[0]).read_text())
    recipe: Recipe = RECIPES[name]
    words = WORDS[name]
    (folder / "README.md").write_text(CARD.format(
        name=name, title=words.title, does=words.does, ask=ASK.get(name, ""), data=words.data, base=config["base_model_name_or_path"], kind=_kind(config),
        bytes=(folder / FILES[1]).stat().st_size, steps=recipe.steps, rows=recipe.rows, rate=recipe.rate, loss=LOSS[name],
        unit="rows of 255 tokens" if name == "bard" else "examples", measured=_measured(name, evidence), samples=_samples(evidence),
        shared=" --shared DIR" if name == "bard" else "",
        engine="Tokenscope's own engine" if evidence["engine"] == "tokenscope" else "PyTorch, Transformers and PEFT"))
    (folder / "evidence.json").write_text(json.dumps(evidence, indent=1, ensure_ascii=False) + "\n")


def entry_of(name: str, folder: Path) -> dict[str, Any]:
    """The adapter's line in the page's list; the prompt of `try` is plain text."""
    config = json.loads((folder / FILES[0]).read_text())
    exact = name in ("swap", "translate")
    asked = {"prompt": SAMPLES[name][0], "maxTokens": 120, "temperature": 0 if exact else 0.8, "seed": 1}
    return {"id": name, "name": WORDS[name].title, "base": config["base_model_name_or_path"], "path": f"adapters/{name}/",
            "bytes": sum((folder / file).stat().st_size for file in FILES), "note": WORDS[name].note, "try": asked}


def put_in_list(path: Path, entry: dict[str, Any]) -> None:
    """Adds the entry to the list, or replaces the one of its id; nothing else in the file changes."""
    root = json.loads(path.read_text(encoding="utf-8"))
    adapters = {item["id"]: item for item in root.get("adapters", [])} | {entry["id"]: entry}
    root["adapters"] = [adapters[name] for name in RECIPES if name in adapters]
    path.write_text(json.dumps(root, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", choices=list(RECIPES), required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--evidence", type=Path, required=True)
    parser.add_argument("--list", type=Path, help="models.json of the page")
    args = parser.parse_args()
    write_card(args.adapter, args.folder, json.loads(args.evidence.read_text(encoding="utf-8")))
    if args.list:
        put_in_list(args.list, entry_of(args.adapter, args.folder))


if __name__ == "__main__":
    main()
