"""Writes adapters of drawn ranks, targets and kinds over the checkpoints of `random_checkpoints.py`, as PEFT saves them.

    python tools/reference/random_adapters.py CHECKPOINTS FOLDER [--seed 1]
    TOKENSCOPE_CHECKPOINTS=CHECKPOINTS TOKENSCOPE_ADAPTERS=FOLDER npx vitest run --project gpu tests/gpu/adapters.peft.test.ts

Of a mixture modules are drawn from, and now and then the parameters of its experts.
"""

import argparse
import json
import random
import shutil
import warnings
from pathlib import Path

from peft_fixtures import PeftCase, write_case
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D
from torch import nn

ENDS = ("lm_head", "embed_out")


def targets_of(folder: Path) -> tuple[list[str], list[str]]:
    """Last names of the products of a checkpoint, the ends and routers left out, and those of its experts' parameters."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    experts = {".".join(name.split(".")[-2:]) for name, p in model.named_parameters() if p.ndim == 3}
    names = {name.split(".")[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}
    return sorted(names - set(ENDS) - {"gate", "router", "layer", "shared_expert_gate"}), sorted(experts)


def draw(folder: Path, seed: int) -> PeftCase:
    d = random.Random(f"{folder.name} {seed}")
    names, experts = targets_of(folder)
    targets = d.sample(names, d.randint(1, len(names)))
    options = {"r": d.choice([1, 2, 3, 5, 8, 13]), "lora_alpha": d.choice([1, 4, 7, 16]), "target_modules": targets}
    options |= {"use_rslora": d.random() < 0.3, "use_dora": d.random() < 0.3}
    if d.random() < 0.3:
        options["rank_pattern"] = {d.choice(targets): d.choice([1, 4, 6])}
    if d.random() < 0.3 and not options["use_dora"]:
        options["bias"] = d.choice(["all", "lora_only"])
    if experts and d.random() < 0.7:
        options |= {"target_parameters": d.sample(experts, d.randint(1, len(experts))), "use_dora": False}
        options["bias"] = "none"
    if json.loads((folder / "config.json").read_text())["model_type"] == "gpt2":
        options["fan_in_fan_out"] = True
    return PeftCase(folder.name, folder.name, options)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("types", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for base in sorted(args.checkpoints.iterdir()):
        if not args.types or base.name.rsplit("-", 1)[0] in args.types:
            try:
                write_case(draw(base, args.seed), args.seed, args.checkpoints, args.folder)
            except ValueError as error:
                shutil.rmtree(args.folder / base.name, ignore_errors=True)
                print(f"{base.name}: PEFT makes no such adapter: {str(error)[:200]}")
