"""Answers the evidence's tasks with PyTorch and Transformers: the check of our engine, and quick enough to steer training."""
from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from .tasks import Task

WINDOW, STRIDE = 512, 256  # texts longer than the context are scored in windows that overlap by half


class Twin:
    """`answer` adds `text` or `correct`, `counted` or `nats`, `bytes` to every task."""

    def __init__(self, folder: Path, batch: int = 50):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.batch = batch

    def encode(self, text: str) -> list[int]:
        return [0, *self.tokenizer.encode(text, add_special_tokens=False).ids]

    def answer(self, tasks: list[Task]) -> list[Task]:
        generated = [task for task in tasks if "prompt" in task]
        generated.sort(key=lambda task: (task["temperature"], task["maxTokens"]))
        out: list[Task] = []
        for at in range(0, len(generated), self.batch):
            out += self._generate(generated[at:at + self.batch])
        out += [self._induction(task) for task in tasks if task["kind"] == "induction"]
        out += [self._bytes(task) for task in tasks if task["kind"] == "bytes"]
        return out

    @torch.no_grad()
    def _generate(self, tasks: list[Task]) -> list[Task]:
        torch.manual_seed(tasks[0]["seed"])
        prompts = [self.encode(task["prompt"]) for task in tasks]
        width = max(len(ids) for ids in prompts)
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        temperature = tasks[0]["temperature"]
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {"do_sample": False}
        result = self.model.generate(ids, attention_mask=mask, max_new_tokens=max(task["maxTokens"] for task in tasks),
                                     pad_token_id=0, **sampling)
        return [{**task, "text": self._text(row[width:].tolist(), task)} for task, row in zip(tasks, result)]

    def _text(self, ids: list[int], task: Task) -> str:
        end = next((at for at, token in enumerate(ids) if token in (0, 4)), None)
        text = self.tokenizer.decode(ids[:end], skip_special_tokens=False)
        for stop in task["stop"]:
            text = text.split(stop)[0]
        return text

    @torch.no_grad()
    def _induction(self, task: Task) -> Task:
        ids = task["ids"]
        best = self.model(torch.tensor([ids])).logits[0].argmax(-1).tolist()
        half = (len(ids) - 1) // 2
        places = range(half + 1, len(ids) - 1)  # from the second copy's first token on, the next one is known
        return {**task, "correct": sum(best[at] == ids[at + 1] for at in places), "counted": len(places)}

    @torch.no_grad()
    def _bytes(self, task: Task) -> Task:
        ids = self.encode(task["text"])
        nats, scored = 0.0, 1
        while scored < len(ids):
            start = max(0, min(scored - STRIDE, len(ids) - WINDOW)) if scored > 1 else 0
            window = ids[start:start + WINDOW]
            logs = torch.log_softmax(self.model(torch.tensor([window])).logits[0].double(), -1)
            for at in range(scored, start + len(window)):
                nats -= logs[at - start - 1, ids[at]].item()
            scored = start + len(window)
        return {**task, "nats": nats, "bytes": len(task["text"].encode()), "tokens": len(ids) - 1}

