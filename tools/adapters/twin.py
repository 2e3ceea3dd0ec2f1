"""Answers items with PyTorch, Transformers and PEFT: the check of our engine, and quick enough to try recipes."""
from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from .data import Item

BATCH = 50
END, END_OF_TURN = 0, 4


class Twin:
    """`answer` adds `text`, or `nats` and `tokens`, to every item; without `adapter` it is the base that answers."""

    def __init__(self, model: Path, adapter: Path | None, tokenizer: Tokenizer):
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        self.model = (PeftModel.from_pretrained(base, adapter).merge_and_unload() if adapter else base).eval()
        self.tokenizer = tokenizer

    @torch.no_grad()
    def _generate(self, items: list[Item]) -> list[Item]:
        prompts = [[END, *self.tokenizer.encode(item["prompt"], add_special_tokens=False).ids] for item in items]
        width = max(len(ids) for ids in prompts)
        ids = torch.tensor([[END] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        torch.manual_seed(items[0]["seed"])
        temperature = items[0]["temperature"]
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {"do_sample": False}
        rows = self.model.generate(ids, attention_mask=mask, max_new_tokens=items[0]["maxTokens"], pad_token_id=END, **sampling)
        return [{**item, "text": self._text(row[width:].tolist())} for item, row in zip(items, rows)]

    def _text(self, ids: list[int]) -> str:
        end = next((at for at, token in enumerate(ids) if token in (END, END_OF_TURN)), None)
        return self.tokenizer.decode(ids[:end], skip_special_tokens=False)

    @torch.no_grad()
    def _loss(self, item: Item) -> Item:
        ids = torch.tensor([item["ids"]])
        logits, targets = self.model(ids[:, :-1]).logits[0, item["start"]:], ids[0, 1 + item["start"]:]
        nats = torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
        return {**item, "nats": nats, "tokens": len(targets)}

    def answer(self, items: list[Item]) -> list[Item]:
        asked = sorted((item for item in items if item["kind"] != "loss"), key=lambda item: (item["temperature"], item["maxTokens"]))
        out: list[Item] = []
        while asked:
            same = [item for item in asked if all(item[key] == asked[0][key] for key in ("temperature", "maxTokens"))][:BATCH]
            asked = asked[len(same):]
            out += self._generate(same)
        return out + [self._loss(item) for item in items if item["kind"] == "loss"]
