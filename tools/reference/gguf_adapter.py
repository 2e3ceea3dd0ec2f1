"""A LoRA over a GGUF file's dequantised weights by Transformers and PEFT, to tests/fixtures/gguf/adapter.json.

    python tools/reference/gguf_adapter.py MODEL.gguf ADAPTER_DIR

`cases`: per adapter scale and text its `ids`, the log-probabilities that they are given (`forced`, from the second on), and the
ids that follow greedily with the distance of the first two logits (`greedy`, `margin`).
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "gguf" / "adapter.json"
TEXTS = ["The lighthouse keeper counted the ships again, because", "To sort a list of numbers, first"]
GREEDY = 8


def case(model: torch.nn.Module, ids: list[int], scale: float) -> dict:
    forced, greedy, margin, sequence = [], [], [], list(ids)
    with torch.no_grad():
        rows = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        forced = [round(rows[i, after].item(), 5) for i, after in enumerate(ids[1:])]
        for _ in range(GREEDY):
            last = model(input_ids=torch.tensor([sequence])).logits[0, -1].double()
            best = last.topk(2)
            margin.append(round((best.values[0] - best.values[1]).item(), 4))
            sequence.append(int(best.indices[0]))
    return {"scale": scale, "ids": ids, "forced": forced, "greedy": sequence[len(ids) :], "margin": margin}


def main() -> None:
    file, adapter = Path(sys.argv[1]), sys.argv[2]
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    base = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    texts = [tokenizer(text).input_ids for text in TEXTS]
    cases = [case(base, ids, 0) for ids in texts]
    adapted = PeftModel.from_pretrained(base, adapter).eval()
    cases += [case(adapted, ids, 1) for ids in texts]
    OUT.write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
