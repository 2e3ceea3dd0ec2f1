"""How each adapter is trained. Ranks are what 600 kB of f16 allow over the layers named."""
from __future__ import annotations

from dataclasses import dataclass

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class Recipe:
    rank: int
    alpha: int
    targets: str | tuple[str, ...]
    steps: int
    rows: int  # examples of a step, or windows of running text
    rate: float
    dora: bool = False
    rslora: bool = False
    dropout: float = 0.0


RECIPES: dict[str, Recipe] = {
    "bard": Recipe(rank=14, alpha=14, targets=ALL_LINEAR, steps=200, rows=12, rate=3e-3, rslora=True, dropout=0.05),
    "swap": Recipe(rank=8, alpha=16, targets=ALL_LINEAR, steps=220, rows=48, rate=3e-3),
    "translate": Recipe(rank=14, alpha=28, targets=ALL_LINEAR, steps=360, rows=48, rate=3e-3),
    "sad": Recipe(rank=12, alpha=24, targets=ALL_LINEAR, steps=300, rows=24, rate=2.5e-3, dora=True),
}
