"""Assembles a model folder for shipping: `python -m train.card --run DIR --evidence FILE [--baseline FILE] --out DIR`, in `tools/`.

Copies weights, configuration and tokenizer, draws the loss curves, and writes the model card from the evidence's numbers.
"""
from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any

from corpus.split import HELD_OUT_DOCUMENTS, HELD_OUT_SENTENCES, WITHHELD_PAIRS
from corpus.texts import MAX_SENTENCE, MIN_KNOWN

from .curve import draw_curves, load_log

MODEL_FILES = ["config.json", "generation_config.json", "model.safetensors"]
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"]
PARTS = {
    "tinystories": "real modern simple stories: the TinyStories sample",
    "tales": "public-domain children's books and fairy tales, the simplest by measure",
    "stories": "stories of our grammar, a quarter of them with questions and answers",
    "chat": "the same as one-turn chats in the chat template",
    "answers": "instruction / input / label: answer a question about a story",
    "triplets": "instruction / input / label: repeat (85 %), translate (15 %)",
    "counting": "number sequences and small sums",
    "korean": "simple Korean from its own grammar",
    "parallel": "a Korean passage followed by the same in English",
    "induction": "random tokens, each block of 8-64 shown two to six times",
}

MEASURES = {
    "stories_seen": "story coherence, combinations free to training",
    "stories_withheld": "story coherence, combinations withheld from training",
    "induction": "induction: second copy of 32 random tokens",
    "question": "questions about unseen stories, exact",
    "translate": "Korean to English on held-out sentences, exact",
    "swap": "swapping the names in a sentence, exact",
}


def load_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def parameter_count(weights: Path) -> int:
    """Numbers in a safetensors file, from its header: 8 bytes of length, then JSON."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def percent(result: dict[str, Any]) -> str:
    return f"{result['percent']} % ({result['passed']} of {result['of']})"


def mix_table(parts: dict[str, Any]) -> str:
    rows = ["| part | share of training tokens | tokens in the part | what it is |", "|---|---|---|---|"]
    for name, share in parts["shares"].items():
        size = parts["train"].get(name)
        rows.append(f"| {name} | {share:.1%} | {f'{size:,}' if size else 'drawn anew'} | {PARTS[name]} |")
    return "\n".join(rows)


def evidence_table(evidence: dict[str, Any], baseline: dict[str, Any] | None) -> str:
    rows = ["| measure | result |", "|---|---|"]
    rows += [f"| {title} | {percent(evidence[name])} |" for name, title in MEASURES.items() if name in evidence]
    rows += ["", "| held-out part | bits per byte | nats a token | stand-in, bits per byte |", "|---|---|---|---|"]
    for name in ("tinystories", "tales", "stories", "korean"):
        mine, other = evidence.get(f"bytes_{name}"), (baseline or {}).get(f"bytes_{name}")
        if mine:
            rows.append(f"| {name} | {mine['bits_per_byte']} | {mine['nats_per_token']} | {other['bits_per_byte'] if other else '-'} |")
    return "\n".join(rows)


def sample_blocks(samples: list[dict[str, Any]]) -> str:
    return "\n\n".join(f"Seed {sample['seed']}, prompt `{sample['prompt']}`:\n\n> " + sample["text"].strip().replace("\n", "\n> ")
                       for sample in samples)


def training_facts(log: list[dict[str, Any]]) -> str:
    steps = [entry for entry in log if "loss" in entry]
    start = next((entry for entry in log if "init" in entry), None)
    last = steps[-1]
    text = f"{last['step']:,} steps, {last['tokens'] / 1e6:.1f} million tokens, {last['seconds'] / 60:.0f} minutes on two CPU cores"
    if start:
        text += (f". It did not start from nothing: the body is that of `{start['init']}` (same shape, about 10 million tokens of "
                 f"the same two real sources), and {start['rows_copied']:,} of {start['vocabulary']:,} embedding rows were copied by token "
                 "string. What that model had read is not known document by document, so it may have seen part of what is held out "
                 "here of the two real sources; the made parts are new to it")
    return text + "."


CARD = """# {name}

A small story model: {parameters:,} parameters, {megabytes:.1f} MB as f16. Llama architecture, hidden 192, 6 layers, 6 heads of 32, 3
key-value heads, MLP 512, tied head, RoPE 10,000, context 512. Byte-level BPE of {vocabulary:,} tokens; ids 0-15 are reserved:
{reserved}. Texts start on `<|endoftext|>` and end on it; chat turns end on `<|end|>`.

It tells short stories, answers questions about them, counts, copies, and knows a little Korean. It is made to be looked into: names, things
and places are drawn from lists and must be copied through a story, so copying, induction and tracking can be seen at work. It knows
nothing about the world and must not be asked for advice.

## Data

{mix}

TinyStories is under CDLA-Sharing-1.0; the tales are in the public domain in the USA; everything else is made by `tools/corpus` of this
project. Of the tales, those are used whose words are at least {known:.0%} words of the TinyStories sample and whose sentences have at most {sentence:.0f}
words on average: simple prose is what {parameters_short} parameters can learn.

Held out, by hash: one document in {documents} of each real source; one Korean sentence in {sentences}; in our own stories every combination of the
hero's name, thing and place of which any pair is among the one in {pairs} withheld pairs, so that such pairs never meet in training.

## Training

{training}
{note}
AdamW, warm-up, a constant rate, a cosine at the end; bf16 autocast; documents packed side by side see only themselves.
`training.jsonl` has the log.

![Loss of training and of the held-out parts](curve.svg)

## Evidence

Measured by `tools/evidence` on these files, the answers given by {engine}. A story counts as coherent if prompt and continuation (temperature 0.8, one
draw for each of 100 prompts a row) are derivable by the story grammar as a whole: every name, thing, place, pronoun and number bound once and
kept, the problem solved, the ending reached. Induction counts the tokens of the second copy from its second one on.

{evidence}

## Samples

Unpicked, temperature 0.8, seeds as given.

{samples}

## Rebuild

See `tools/README.md`. The weights are under CDLA-Sharing-1.0 as far as they derive from TinyStories.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the trainer's folder")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--evidence", type=Path, help="without it only the files are copied, to be measured")
    parser.add_argument("--baseline", type=Path, help="evidence of another model, for comparison")
    parser.add_argument("--note", default="", help="what else to say of the training")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    for folder, names in ((args.run / "model", MODEL_FILES), (args.corpus, TOKENIZER_FILES)):
        for name in names:
            shutil.copyfile(folder / name, args.out / name)
    log = load_log(args.run / "loss.jsonl")
    (args.out / "training.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log))
    (args.out / "curve.svg").write_text(draw_curves(log))
    if not args.evidence:
        return
    evidence = load_json(args.evidence)
    config = load_json(args.out / "config.json")
    tokenizer = load_json(args.out / "tokenizer.json")
    weights = args.out / "model.safetensors"
    parameters = parameter_count(weights)
    card = CARD.format(
        name=args.out.name, parameters=parameters, megabytes=weights.stat().st_size / 1e6, vocabulary=config["vocab_size"],
        reserved=", ".join(f"`{token['content']}`" for token in tokenizer["added_tokens"]), mix=mix_table(load_json(args.corpus / "parts.json")),
        known=MIN_KNOWN, sentence=MAX_SENTENCE, parameters_short=f"{parameters / 1e6:.1f} million", documents=HELD_OUT_DOCUMENTS,
        sentences=HELD_OUT_SENTENCES, pairs=WITHHELD_PAIRS, training=training_facts(log), note=args.note,
        engine="Tokenscope's own engine" if evidence["engine"] == "tokenscope" else "PyTorch and Transformers",
        evidence=evidence_table(evidence, load_json(args.baseline) if args.baseline else None),
        samples=sample_blocks(evidence["samples"]))
    (args.out / "README.md").write_text(card)
    shutil.copyfile(args.evidence, args.out / "evidence.json")


if __name__ == "__main__":
    main()
