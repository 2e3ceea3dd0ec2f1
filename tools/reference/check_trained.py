"""Loads adapters that the engine trained and exported in PEFT, and compares logits; writes nothing.

    python tools/reference/check_trained.py FOLDER [FOLDER ...]

A FOLDER holds what `model.exportAdapter` gives (adapter_config.json, adapter_model.safetensors) and logits.json: `base` (a
folder of tests/fixtures/models), `ids` and the `logits` of the last position that the engine had with the adapter.
"""

import json
import sys
from pathlib import Path

import numpy as np
from peft import PeftModel
from transformers_f64 import load_float64, logits_float64

MODELS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"
SAME = 1e-3


def check(folder: Path) -> float:
    given = json.loads((folder / "logits.json").read_text())
    base = load_float64(MODELS / given["base"])
    plain = logits_float64(base, given["ids"])[-1].numpy()
    model = PeftModel.from_pretrained(base, folder, autocast_adapter_dtype=False).double().eval()
    logits = logits_float64(model, given["ids"])[-1].numpy()
    apart = float(np.abs(logits - np.array(given["logits"])).max())
    changed = float(np.abs(logits - plain).max())
    print(f"{folder.name:16} {apart:.2e} apart; the adapter changes logits by up to {changed:.2f}")
    return apart


if __name__ == "__main__":
    worst = max(check(Path(folder)) for folder in sys.argv[1:])
    if worst > SAME:
        sys.exit(f"{worst:.2e} apart, at most {SAME} expected")
