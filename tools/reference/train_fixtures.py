"""Trains adapters of tiny checkpoints with PEFT and torch's own optimisers in float64, to tests/fixtures/training.

    python tools/reference/train_fixtures.py [NAME ...]

Each NAME.json holds the base, the adapter it starts from (a folder of tests/fixtures/peft), examples, settings as
`model.train` takes them, and for each step loss, norm of the gradient and rate; NAME.bin the final factors (float32) in
the order of `factors`. Quantised bases are the weights that the gguf package gives back.
"""

import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from ggml_blocks import round_trip
from peft import PeftModel
from transformers import Adafactor
from transformers_f64 import float64_only, load_float64

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"


@dataclass
class Case:
    name: str
    model: str
    adapter: str
    settings: dict
    examples: int = 7
    weights: str = "f32"
    shortest: int = 5
    longest: int = 14
    scales: dict = field(default_factory=dict)


ADAMW = {
    "optimizer": "adamw",
    "learningRate": 4e-3,
    "betas": [0.9, 0.98],
    "eps": 1e-8,
    "weightDecay": 0.05,
    "clipNorm": 2.0,
    "schedule": "cosine",
    "warmupSteps": 4,
    "finalRate": 0.1,
    "steps": 30,
    "batchSize": 2,
    "accumulate": 2,
}
ADAFACTOR = {
    "optimizer": "adafactor",
    "learningRate": 2e-3,
    "schedule": "linear",
    "warmupSteps": 3,
    "steps": 30,
    "batchSize": 3,
    "clipNorm": 5.0,
    "weightDecay": 0.02,
}
DPO = {
    "objective": "dpo",
    "beta": 0.3,
    "optimizer": "adamw",
    "learningRate": 3e-3,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "schedule": "linear",
    "warmupSteps": 2,
    "clipNorm": 1.0,
    "steps": 12,
    "batchSize": 2,
    "accumulate": 2,
}
CASES = [
    Case("llama-adamw", "llama", "llama-all-linear-f16", ADAMW),
    Case("qwen3-adafactor", "qwen3", "qwen3-all-linear", ADAFACTOR),
    Case("gpt2-adafactor", "gpt2-untied", "gpt2-all-linear", ADAFACTOR | {"schedule": "constant", "clipThreshold": 0.7}),
    Case("gpt2-adamw-q4_0", "gpt2-untied", "gpt2-all-linear", ADAMW | {"accumulate": 1, "steps": 12}, weights="q4_0"),
    # q, k and v of a head lie together in one module: its parts share A and take turns in B.
    Case("gpt-neox-adamw", "gpt-neox", "gpt-neox-all-linear", ADAMW | {"steps": 10, "schedule": "linear"}),
    Case("llama-dpo", "llama", "llama-plain", DPO),
    Case("gemma3-sgd", "gemma3", "gemma3-all-linear", {"optimizer": "sgd", "learningRate": 1e-3, "weightDecay": 0.01, "steps": 8}),
]


def make_pairs(case: Case, vocab: int, generator: np.random.Generator) -> list[dict]:
    def draw(shortest: int, longest: int) -> list[int]:
        return generator.integers(0, vocab, int(generator.integers(shortest, longest + 1))).tolist()

    return [{"prompt": draw(1, 5), "chosen": draw(1, 7), "rejected": draw(1, 7)} for _ in range(case.examples)]


def make_examples(case: Case, vocab: int) -> list[dict]:
    generator = np.random.default_rng(len(case.name))
    if case.settings.get("objective") == "dpo":
        return make_pairs(case, vocab, generator)
    examples = []
    for _ in range(case.examples):
        length = int(generator.integers(case.shortest, case.longest + 1))
        ids = generator.integers(0, vocab, length).tolist()
        mask = (generator.random(length) < 0.7).astype(int).tolist()
        mask[-1] = 1
        examples.append({"ids": ids, "mask": mask})
    return examples


def rate(index: int, s: dict) -> float:
    warmup, steps, final = s.get("warmupSteps", 0), s["steps"], s.get("finalRate", 0.0)
    if index < warmup:
        return s["learningRate"] * (index + 1) / warmup
    t = (index - warmup) / max(1, steps - warmup)
    kinds = {
        "constant": 1.0,
        "linear": final + (1 - final) * (1 - t),
        "cosine": final + (1 - final) * (1 + math.cos(math.pi * t)) / 2,
    }
    return s["learningRate"] * kinds[s.get("schedule", "constant")]


def make_optimizer(parameters: list[torch.nn.Parameter], s: dict) -> torch.optim.Optimizer:
    decay = s.get("weightDecay", 0.0)
    if s["optimizer"] == "adamw":
        return torch.optim.AdamW(parameters, lr=1.0, betas=tuple(s["betas"]), eps=s["eps"], weight_decay=decay)
    if s["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, lr=1.0, weight_decay=decay)
    return Adafactor(
        parameters,
        lr=1.0,
        weight_decay=decay,
        clip_threshold=s.get("clipThreshold", 1.0),
        scale_parameter=False,
        relative_step=False,
        warmup_init=False,
    )


def summed_loss(model: torch.nn.Module, example: dict) -> tuple[torch.Tensor, int]:
    ids, mask = example["ids"], example["mask"]
    counted = [i for i in range(1, len(ids)) if mask[i] == 1]
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    targets = torch.tensor([ids[i] for i in counted])
    loss = torch.nn.functional.cross_entropy(logits[[i - 1 for i in counted]], targets, reduction="sum")
    return loss, len(counted)


def answer_logprob(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> torch.Tensor:
    mask = [0] * len(prompt) + [1] * len(answer)
    return -summed_loss(model, {"ids": prompt + answer, "mask": mask})[0]


def batch_loss(model: PeftModel, batch: list[dict]) -> tuple[torch.Tensor, dict]:
    losses = [summed_loss(model, example) for example in batch]
    return sum(part for part, _ in losses) / sum(count for _, count in losses), {}


def preference_loss(model: PeftModel, batch: list[dict], beta: float) -> tuple[torch.Tensor, dict]:
    """The sigmoid loss of DPO (Rafailov et al. 2023) with the base as its reference, and the rewards."""
    losses, rewards = [], []
    for pair in batch:
        own = [answer_logprob(model, pair["prompt"], pair[key]) for key in ("chosen", "rejected")]
        with torch.no_grad(), model.disable_adapter():
            base = [answer_logprob(model, pair["prompt"], pair[key]) for key in ("chosen", "rejected")]
        chosen, rejected = (beta * (a - b) for a, b in zip(own, base))
        losses.append(-torch.nn.functional.logsigmoid(chosen - rejected))
        rewards.append((chosen.item(), rejected.item()))
    count = len(batch)
    chosen, rejected = (sum(r[i] for r in rewards) / count for i in (0, 1))
    accuracy = sum(a > b for a, b in rewards) / count
    return sum(losses) / count, {"chosen": chosen, "rejected": rejected, "accuracy": accuracy}


def quantise(model: torch.nn.Module, weights: str) -> None:
    """Every matrix as its blocks stand for it; Conv1D's are turned, learned positions stay."""
    for path, module in model.named_modules():
        if not hasattr(module, "weight") or module.weight is None or module.weight.ndim != 2 or path.endswith("wpe"):
            continue
        turned = type(module).__name__ == "Conv1D"
        matrix = (module.weight.T if turned else module.weight).detach().numpy()
        values = torch.from_numpy(np.ascontiguousarray(round_trip(matrix, weights), dtype=np.float64))
        module.weight.data = (values.T if turned else values).contiguous()


def train(model: torch.nn.Module, examples: list[dict], s: dict) -> list[dict]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = make_optimizer(parameters, s)
    per_step = s.get("batchSize", 1) * s.get("accumulate", 1)
    steps = []
    for index in range(s["steps"]):
        batch = [examples[(index * per_step + j) % len(examples)] for j in range(per_step)]
        is_pair = s.get("objective") == "dpo"
        loss, rewards = preference_loss(model, batch, s["beta"]) if is_pair else batch_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, s.get("clipNorm") or math.inf)
        for group in optimizer.param_groups:
            group["lr"] = rate(index, s)
        optimizer.step()
        steps.append({"loss": loss.item(), "gradNorm": norm.item(), "learningRate": rate(index, s), **rewards})
    return steps


def write_case(case: Case) -> None:
    folder = FIXTURES / "models" / case.model
    base = load_float64(folder)
    if case.weights != "f32":
        quantise(base, case.weights)
    model = PeftModel.from_pretrained(
        base, FIXTURES / "peft" / case.adapter, autocast_adapter_dtype=False, is_trainable=True
    ).double()
    model.eval()  # no dropout
    examples = make_examples(case, base.config.vocab_size)
    with float64_only():
        steps = train(model, examples, case.settings)
    factors = {name.replace(".default", ""): p for name, p in model.named_parameters() if p.requires_grad}
    out = FIXTURES / "training"
    out.mkdir(exist_ok=True)
    index = [{"name": name, "shape": list(p.shape)} for name, p in factors.items()]
    values = [p.detach().to(torch.float32).numpy().tobytes() for p in factors.values()]
    (out / f"{case.name}.bin").write_bytes(b"".join(values))
    rounded = [{key: float(f"{value:.8g}") for key, value in step.items()} for step in steps]
    expected = {
        "model": case.model,
        "adapter": case.adapter,
        "weights": case.weights,
        "settings": case.settings,
        "examples": examples,
        "steps": rounded,
        "factors": index,
    }
    (out / f"{case.name}.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    size = sum(len(v) for v in values) / 1000
    print(f"{case.name:18} loss {steps[0]['loss']:.4f} → {steps[-1]['loss']:.4f}, norm {steps[0]['gradNorm']:.3f}, {size:.0f} kB")


def main() -> None:
    wanted = set(sys.argv[1:])
    for case in CASES:
        if not wanted or case.name in wanted:
            write_case(case)


if __name__ == "__main__":
    main()
