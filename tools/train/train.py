"""Trains the bundled model: `python -m train.train --corpus DIR --out DIR --steps N`, run inside `tools/`.

Runs in slices: `--minutes M` (or SIGTERM) stops with a checkpoint, the same command goes on from it. Warm-up, constant
rate, then a cosine down to a twentieth over the last `--decay-steps`; both numbers may change between slices.
"""
from __future__ import annotations

import argparse
import json
import math
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from .batches import IGNORED, Batches, Row, causal_within_segments
from .init import start_from
from .llama import Llama, Shape, save_model

FINAL_SHARE = 0.05  # of the learning rate, at the last step
WARM_UP = 60
LESSON = 0.6  # share of repeated random tokens during the lesson
SHORT, LONG = 256, 512  # row lengths; every fourth step trains on long rows, so that all positions are seen


@dataclass
class Progress:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def learning_rate(step: int, peak: float, steps: int, decay_steps: int) -> float:
    if step < WARM_UP:
        return peak * (step + 1) / WARM_UP
    into = (step - (steps - decay_steps)) / max(1, decay_steps)
    if into <= 0:
        return peak
    return peak * (FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * min(1.0, into))))


def tensors(rows: list[Row], device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    segments = np.stack([row.segments for row in rows])
    arrays = (np.stack([row.inputs for row in rows]), np.stack([row.targets for row in rows]), causal_within_segments(segments))
    inputs, targets, mask = (torch.from_numpy(array).to(device) for array in arrays)
    return inputs, targets, mask


def mean_loss(model: Llama, inputs: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats over the positions that have a target; all arguments [rows, length] but the mask."""
    logits = model.logits(model(inputs, mask)).float()
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def loss_of(model: Llama, rows: list[Row], device: torch.device, compute: Callable[..., torch.Tensor] = mean_loss) -> torch.Tensor:
    with torch.autocast(device.type, torch.bfloat16):
        return compute(model, *tensors(rows, device))


@torch.no_grad()
def held_out_losses(model: Llama, corpus: Path, vocabulary: int, device: torch.device) -> dict[str, float]:
    """Nats a token on fixed held-out rows of every part, and on repeated random tokens."""
    names = sorted(path.name.removesuffix(".ids.npy") for path in (corpus / "held_out").glob("*.ids.npy"))
    losses = {}
    for name in [*names, "induction"]:
        batches = Batches(corpus / "held_out", {name: 1.0}, vocabulary, seed=7)
        losses[name] = round(loss_of(model, batches.draw(24, SHORT), device).item(), 4)
    return losses


def optimizer_for(model: Llama, rate: float) -> torch.optim.AdamW:
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    norms = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)


def lesson_shares(shares: dict[str, float]) -> dict[str, float]:
    """The corpus's shares with most given to repeated random tokens, the rest scaled to fit."""
    rest = sum(share for name, share in shares.items() if name != "induction")
    return {name: LESSON if name == "induction" else share * (1 - LESSON) / rest for name, share in shares.items()}


class Trainer:
    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = Tokenizer.from_file(str(args.corpus / "tokenizer.json"))
        self.vocabulary = self.tokenizer.get_vocab_size()
        torch.manual_seed(args.seed)
        self.model = Llama(Shape(vocab=self.vocabulary))
        self.progress = Progress()
        args.out.mkdir(parents=True, exist_ok=True)
        self.checkpoint = args.out / "checkpoint.pt"
        if args.init and not self.checkpoint.exists():
            copied = start_from(self.model, args.init, self.tokenizer)
            self.log({"init": str(args.init.name), "rows_copied": copied, "vocabulary": self.vocabulary})
        self.model.to(self.device)
        self.optimizer = optimizer_for(self.model, args.rate)
        self.shares = json.loads((args.corpus / "parts.json").read_text())["shares"]
        self.stopping = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        self.compute = torch.compile(mean_loss, dynamic=False) if args.compile else mean_loss
        if self.checkpoint.exists():
            self.resume()

    def log(self, entry: dict[str, object]) -> None:
        line = json.dumps(entry)
        with (self.args.out / "loss.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])

    def save(self) -> None:
        """Writes the checkpoint beside the old one first, so that a kill leaves one of them whole."""
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "progress": vars(self.progress)}
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)
        save_model(self.model, self.args.out / "model")

    def train_step(self, batches: Batches) -> float:
        args, progress = self.args, self.progress
        long = progress.step % 4 == 3
        rows = batches.draw(args.rows // 2 if long else args.rows, LONG if long else SHORT)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(progress.step, args.rate, args.steps, args.decay_steps)
        loss = loss_of(self.model, rows, self.device, self.compute)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        progress.step += 1
        progress.tokens += args.rows * SHORT
        return loss.item()

    def evaluate(self) -> None:
        self.model.eval()
        losses = held_out_losses(self.model, self.args.corpus, self.vocabulary, self.device)
        self.model.train()
        self.log({"step": self.progress.step, "tokens": self.progress.tokens, "seconds": round(self.progress.seconds),
                  "held_out": losses})

    def run(self) -> None:
        args, progress = self.args, self.progress
        lesson = range(*args.lesson) if args.lesson else range(0)
        shares = {True: lesson_shares(self.shares), False: self.shares}
        batches = {taught: Batches(args.corpus, shares[taught], self.vocabulary, seed=args.seed + progress.step)
                   for taught in (True, False)}
        began = mark = time.monotonic()
        recent: list[float] = []
        while progress.step < args.steps:
            recent.append(self.train_step(batches[progress.step in lesson]))
            now = time.monotonic()
            progress.seconds, mark = progress.seconds + now - mark, now
            if progress.step % 20 == 0 or progress.step == args.steps:
                rate = learning_rate(progress.step, args.rate, args.steps, args.decay_steps)
                self.log({"step": progress.step, "tokens": progress.tokens, "seconds": round(progress.seconds),
                          "loss": round(sum(recent) / len(recent), 4), "rate": round(rate, 6),
                          "tokens_per_second": round(progress.tokens / progress.seconds)})
                recent.clear()
            if progress.step % args.evaluate_every == 0:
                self.evaluate()
                self.save()
            if self.stopping or (args.minutes and now - began > args.minutes * 60):
                break
        if progress.step % args.evaluate_every:
            self.evaluate()
        self.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--decay-steps", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="stop after this long, to be continued")
    parser.add_argument("--rows", type=int, default=16, help="rows of 256 tokens a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--init", type=Path, help="folder of a model with the same body to start from")
    parser.add_argument("--evaluate-every", type=int, default=200)
    parser.add_argument("--lesson", type=int, nargs=2, metavar=("FROM", "TO"),
                        help="steps in which most rows are repeated random tokens, so that induction forms early")
    parser.add_argument("--compile", action="store_true", help="a minute to start, then a third faster; needs a C++ compiler")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Trainer(args).run()


if __name__ == "__main__":
    main()
