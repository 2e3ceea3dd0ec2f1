"""Writes tests/fixtures/masks.json: float64 logits of tiny checkpoints under masks that are not their own.

    python tools/reference/mask_fixtures.py

Each mask is handed to Transformers as a 4-D attention mask. The ids are those of the checkpoint's expected.json. A window of w holds
on either side: a row sees what the mask lets it see less than w away. `logits` are those of `rows`, 7 significant digits.
"""

import json
from pathlib import Path

import torch
from tiny_checkpoints import significant
from transformers_f64 import float64_only, load_float64

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
ROWS = [0, 5, 19, 20, 47, 63]
PREFIX = {"prefix": 20}
CASES = [
    ("llama", "bidirectional"),
    ("llama", PREFIX),
    ("gpt-neox", "bidirectional"),
    ("gpt-neox", PREFIX),
    ("mistral-window", "bidirectional"),
    ("mistral-window", PREFIX),
    ("gemma3", "bidirectional"),
    ("gemma3", PREFIX),
    ("bert", "causal"),
    ("roberta", PREFIX),
    ("modernbert", "causal"),
]


def seen(mask: str | dict, length: int, window: int | None) -> torch.Tensor:
    """Whether row i sees position j, [length, length]."""
    own, other = torch.arange(length)[:, None], torch.arange(length)[None, :]
    if mask == "bidirectional":
        visible = torch.ones(length, length, dtype=torch.bool)
    else:
        prefix = 0 if mask == "causal" else mask["prefix"]
        visible = (other <= own) | ((own < prefix) & (other < prefix))
    return visible if window is None else visible & ((own - other).abs() < window)


def additive(visible: torch.Tensor) -> torch.Tensor:
    lowest = torch.finfo(torch.float64).min
    return torch.zeros(visible.shape, dtype=torch.float64).masked_fill(~visible, lowest)[None, None]


def masked_logits(folder: Path, ids: list[int], mask: str | dict) -> torch.Tensor:
    model = load_float64(folder)
    config = model.config
    window = config.local_attention // 2 + 1 if config.model_type == "modernbert" else getattr(config, "sliding_window", None)
    full, sliding = (additive(seen(mask, len(ids), w)) for w in (None, window))
    types = set(getattr(config, "layer_types", None) or [])
    both = {"full_attention": full, "sliding_attention": sliding}
    given = both if len(types) == 2 else full if window is None else sliding
    with torch.no_grad(), float64_only():
        return model(input_ids=torch.tensor([ids]), attention_mask=given).logits[0]


def main() -> None:
    cases = []
    for name, mask in CASES:
        folder = FIXTURES / "models" / name
        ids = json.loads((folder / "expected.json").read_text())["ids"]
        rows = [row for row in ROWS if row < len(ids)]
        logits = masked_logits(folder, ids, mask)
        cases.append({"model": name, "mask": mask, "rows": rows, "logits": significant(logits[rows])})
    (FIXTURES / "masks.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
    print(f"{len(cases)} cases, {(FIXTURES / 'masks.json').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
