"""Scaled dot-product attention in float64 with everything that bends it: groups, caps, masks, sinks."""

from dataclasses import dataclass, field

import numpy as np
from maths import Steps, soft_cap, softmax


@dataclass
class KvCache:
    """K (rotated) and V of every layer, [positions, kv_heads * head_dim]; grows with each run."""

    k: dict[int, np.ndarray] = field(default_factory=dict)
    v: dict[int, np.ndarray] = field(default_factory=dict)

    def extend(self, layer: int, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.k[layer] = np.concatenate([self.k[layer], k]) if layer in self.k else k
        self.v[layer] = np.concatenate([self.v[layer], v]) if layer in self.v else v
        return self.k[layer], self.v[layer]

    @property
    def length(self) -> int:
        return len(self.k[0]) if self.k else 0


@dataclass
class Mask:
    """Which positions a row sees.

    Causal: itself and those before it, of these the last `window`, itself included. Otherwise: all, or those at most
    `window` away on either side.
    """

    window: int | None = None
    causal: bool = True

    def visible(self, positions: np.ndarray, total: int) -> np.ndarray:
        distance = positions[:, None] - np.arange(total)  # [rows, positions]
        if not self.causal:
            return np.abs(distance) <= (total if self.window is None else self.window)
        seen = distance >= 0
        return seen if self.window is None else seen & (distance < self.window)


def attend(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    head_dim: int,
    visible: np.ndarray,
    *,
    scale: float | None = None,
    cap: float | None = None,
    sinks: np.ndarray | None = None,
) -> Steps:
    """scores, probs and context of q [rows, heads * head_dim] over k, v [positions, kv_heads * head_dim].

    A sink [heads] is one more score of the softmax that no value answers: with it probs add up to less than 1.
    """
    rows, total, heads = len(q), len(k), q.shape[1] // head_dim
    q3 = q.reshape(rows, heads, head_dim)
    k3, v3 = (np.repeat(t.reshape(total, -1, head_dim), heads * head_dim // t.shape[1], axis=1) for t in (k, v))
    scores = np.einsum("rhd,phd->hrp", q3, k3) * (head_dim**-0.5 if scale is None else scale)
    scores = soft_cap(scores, cap)
    masked = np.where(visible, scores, -np.inf)
    if sinks is None:
        probs = softmax(masked)
    else:
        column = np.broadcast_to(sinks[:, None, None], (heads, rows, 1))
        probs = softmax(np.concatenate([masked, column], axis=-1))[..., :-1]
    context = np.einsum("hrp,phd->rhd", probs, v3).reshape(rows, -1)
    return {"attn.scores": scores, "attn.probs": probs, "attn.context": context}
