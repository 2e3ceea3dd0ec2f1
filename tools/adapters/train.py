"""Trains one demo adapter: `python -m adapters.train --adapter NAME --model DIR [--shared DIR] --out DIR`, in `tools/`.

The base stays as it is; PEFT puts the low-rank pairs beside its matrices, and the folder is what `save_pretrained` writes.
"""
from __future__ import annotations

import argparse
import json
import math
import time
from itertools import islice
from pathlib import Path
from typing import Iterator

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from .data import SEED, SOURCES, play_passages
from .recipes import RECIPES, Recipe
from .rows import END, IGNORED, Pair, pair_of, windows

WARM_UP = 20
FINAL_SHARE = 0.03  # of the learning rate, at the last step


def pairs_for(name: str, tokenizer: Tokenizer, shared: Path | None) -> Iterator[Pair]:
    """Endless training rows of adapter `name`."""
    if name in SOURCES:
        yield from (pair_of(tokenizer, example) for example in SOURCES[name](f"{SEED}/{name}", False))
    if shared is None:
        raise SystemExit("--shared: this adapter learns from corpus/tinyshakespeare.txt in that folder")
    rows = windows(tokenizer, play_passages(shared, False))
    generator = torch.Generator().manual_seed(1)
    while True:
        yield from (rows[index] for index in torch.randperm(len(rows), generator=generator).tolist())


def batch_of(pairs: list[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets [rows, length], padded behind the text, where causal attention never looks."""
    width = max(len(inputs) for inputs, _ in pairs)
    inputs = torch.tensor([ids + [END] * (width - len(ids)) for ids, _ in pairs])
    targets = torch.tensor([ids + [IGNORED] * (width - len(ids)) for _, ids in pairs])
    return inputs, targets


def loss_of(model: PeftModel, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean nats over targets; the head runs only where there is one."""
    decoder = model.get_base_model()
    taught = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16):
        hidden = decoder.model(input_ids=inputs, use_cache=False).last_hidden_state
        logits = decoder.lm_head(hidden[taught])
    return F.cross_entropy(logits.float(), targets[taught])


def rate_at(step: int, recipe: Recipe) -> float:
    if step < WARM_UP:
        return recipe.rate * (step + 1) / WARM_UP
    into = (step - WARM_UP) / max(1, recipe.steps - WARM_UP)
    return recipe.rate * (FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * into)))


def adapted(folder: Path, recipe: Recipe, model_id: str) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    targets = recipe.targets if isinstance(recipe.targets, str) else list(recipe.targets)
    config = LoraConfig(r=recipe.rank, lora_alpha=recipe.alpha, target_modules=targets, use_dora=recipe.dora,
                        use_rslora=recipe.rslora, lora_dropout=recipe.dropout, task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    model.peft_config["default"].base_model_name_or_path = model_id
    return model


def train(name: str, recipe: Recipe, args: argparse.Namespace) -> PeftModel:
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str((args.tokenizer or args.model) / "tokenizer.json"))
    model = adapted(args.model, recipe, args.model_id or args.model.name)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    rows = pairs_for(name, tokenizer, args.shared)
    began, recent = time.monotonic(), []
    model.train()
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, recipe)
        loss = loss_of(model, *batch_of(list(islice(rows, recipe.rows))))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        recent.append(loss.item())
        if step % 10 == 9 or step + 1 == recipe.steps:
            seconds = round(time.monotonic() - began)
            print(json.dumps({"adapter": name, "step": step + 1, "loss": round(sum(recent) / len(recent), 4), "seconds": seconds}), flush=True)
            recent.clear()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", choices=list(RECIPES), required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder of the base")
    parser.add_argument("--tokenizer", type=Path, help="folder of tokenizer.json where the base's has none")
    parser.add_argument("--model-id", help="name the adapter gives its base; default: that of the folder")
    parser.add_argument("--shared", type=Path, help="folder that holds corpus/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--threads", type=int, default=1, help="more change the last bits, and help only where nothing else runs")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = RECIPES[args.adapter]
    if args.steps:
        recipe = Recipe(**{**vars(recipe), "steps": args.steps})
    model = train(args.adapter, recipe, args)
    # The vocabulary is the base's: without this PEFT would look for the base on the hub to compare.
    model.half().save_pretrained(args.out, save_embedding_layers=False)


if __name__ == "__main__":
    main()
