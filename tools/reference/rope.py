"""Rotary position embeddings: every kind of frequency table that Transformers 5 knows, in float64."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Rope:
    """`inverse` [rotary / 2] frequencies; `factor` multiplies both cosine and sine; elements past `rotary` stay."""

    inverse: np.ndarray
    factor: float = 1.0
    interleaved: bool = False

    def rotate(self, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """[rows, heads, head_dim]: element i pairs with i + rotary / 2, or 2i with 2i + 1 where interleaved."""
        rotary = 2 * len(self.inverse)
        angle = positions[:, None, None] * self.inverse
        cos, sin = np.cos(angle) * self.factor, np.sin(angle) * self.factor
        result = x.copy()
        if self.interleaved:
            first, second = slice(0, rotary, 2), slice(1, rotary, 2)
        else:
            first, second = slice(0, rotary // 2), slice(rotary // 2, rotary)
        a, b = x[..., first], x[..., second]
        result[..., first] = a * cos - b * sin
        result[..., second] = b * cos + a * sin
        return result


def parameters(config: dict, layer_type: str | None = None) -> dict:
    """One flat dictionary of a config's rope fields, whichever generation of Transformers wrote them."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if layer_type is not None and layer_type in rope:
        rope = rope[layer_type]
    kind = rope.get("rope_type", rope.get("type", "default"))
    theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
    partial = rope.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    return rope | {"rope_type": kind, "rope_theta": theta, "partial_rotary_factor": partial}


def linear(inverse: np.ndarray, rope: dict) -> np.ndarray:
    return inverse / rope["factor"]


def llama3(inverse: np.ndarray, rope: dict) -> np.ndarray:
    """Long wavelengths are stretched, short ones kept, those between blended."""
    turns = rope["original_max_position_embeddings"] * inverse / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    blend = np.clip((turns - low) / (high - low), 0, 1)
    return inverse * (blend + (1 - blend) / rope["factor"])


def rope_table(
    config: dict, head_dim: int, layer_type: str | None = None, *, length: int = 0, interleaved: bool = False
) -> Rope:
    """theta^(-2i/rotary), reshaped by the config's kind. `length` is the whole sequence's, cached rows included."""
    rope = parameters(config, layer_type)
    rotary = int(head_dim * rope["partial_rotary_factor"])
    kind = rope["rope_type"]
    exponents = np.arange(0, rotary, 2, dtype=np.float64) / rotary
    inverse = rope["rope_theta"] ** -exponents
    if kind == "default":
        return Rope(inverse, interleaved=interleaved)
    reshape = {"linear": linear, "llama3": llama3}.get(kind)
    if reshape is None:
        raise ValueError(f"rope type {kind} is not implemented")
    return Rope(reshape(inverse, rope), interleaved=interleaved)
