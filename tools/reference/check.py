"""Checks the references against independent code: forward.py against Transformers in float64, blocks against gguf.

    python tools/reference/check.py [MODEL_DIR ...]

Without arguments every checkpoint of tests/fixtures/models is checked. Exits with 1 when anything disagrees.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from checkpoint import read_checkpoint
from forward import KvCache, load_forward, make_forward, run_forward
from ggml_blocks import round_trip
from rope import depends_on_length
from transformers import AutoConfig
from transformers_f64 import ENCODERS, load_float64, logits_float64

MODELS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"
FORWARD_TOLERANCE = 1e-9
# expected.json keeps 7 significant digits of logits below 100.
ROUNDING = 5e-6


def forward_error(folder: Path, ids: list[int]) -> float:
    """Largest |logit difference| to Transformers; the prompt runs once whole and once in two cached chunks,
    where that gives the same."""
    wanted = logits_float64(load_float64(folder), ids).numpy()
    model, cache = load_forward(folder), KvCache()
    whole = run_forward(model, ids)["logits"]
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] in ENCODERS or depends_on_length(config):
        return float(np.abs(whole - wanted).max())
    chunks = [run_forward(model, part, cache)["logits"] for part in (ids[:7], ids[7:])]
    return max(np.abs(whole - wanted).max(), np.abs(np.concatenate(chunks) - wanted).max())


def default_ids(folder: Path) -> list[int]:
    config = json.loads((folder / "config.json").read_text())
    context = config.get("n_positions", config.get("max_position_embeddings"))
    return [7 * i % config["vocab_size"] for i in range(min(20, context))]


def older_config_error(folder: Path, ids: list[int], logits: list[list[float]]) -> float:
    """The same of both readers of config.transformers4.json in config.json's place; 0 where there is none."""
    older = folder / "config.transformers4.json"
    if not older.exists():
        return 0.0
    config = json.loads(older.read_text())
    ours = run_forward(make_forward(config, read_checkpoint(folder)[1]), ids)["logits"]
    theirs = logits_float64(load_float64(folder, AutoConfig.from_pretrained(older)), ids).numpy()
    return max(np.abs(ours - logits).max(), np.abs(theirs - logits).max())


def check_model(folder: Path) -> bool:
    expected_file = folder / "expected.json"
    expected = json.loads(expected_file.read_text()) if expected_file.exists() else {}
    ids = expected.get("ids", default_ids(folder))
    error = forward_error(folder, ids)
    ok = error < FORWARD_TOLERANCE
    if "logits" in expected:
        ok &= np.abs(run_forward(load_forward(folder), ids)["logits"] - expected["logits"]).max() < ROUNDING
        ok &= older_config_error(folder, ids, expected["logits"]) < ROUNDING
    print(f"{'ok  ' if ok else 'FAIL'} {folder.name:18} max |logit - Transformers| {error:.1e}")
    return bool(ok)


def check_blocks() -> bool:
    """Random rows plus the corner cases: zero blocks, exact halves, equal magnitudes, tiny and large scales."""
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((64, 96)) * np.exp(rng.uniform(-12, 8, (64, 1)))
    rows[0] = 0
    rows[1] = np.tile([1, -1, 0.5, -0.5], 24)
    rows[2] = np.linspace(-127, 127, 96) / 2
    rows = rows.astype(np.float32)
    all_equal = True
    for name, kind in (("q8_0", gguf.GGMLQuantizationType.Q8_0), ("q4_0", gguf.GGMLQuantizationType.Q4_0)):
        wanted = gguf.quants.dequantize(gguf.quants.quantize(rows, kind), kind)
        equal = bool((round_trip(rows, name).astype(np.float32) == wanted).all())
        print(f"{'ok  ' if equal else 'FAIL'} {name} blocks equal gguf's, value for value")
        all_equal &= equal
    return all_equal


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]] or sorted(p for p in MODELS.iterdir() if p.is_dir())
    results = [check_blocks(), *(check_model(folder) for folder in folders)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
