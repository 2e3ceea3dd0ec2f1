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
    theta = rope.get("rope_theta", config.get("rope_theta", config.get("rotary_emb_base", 10000.0)))
    partial = rope.get("partial_rotary_factor", config.get("partial_rotary_factor", config.get("rotary_pct", 1.0)))
    fields = ("max_position_embeddings", "original_max_position_embeddings")
    contexts = {name: config[name] for name in fields if name in config}
    return contexts | rope | {"rope_type": kind, "rope_theta": theta, "partial_rotary_factor": partial}


def of_sliding_layers(config: dict, theta: float) -> dict:
    """A config of Transformers 4 as its windowed layers take it: scaling belongs to full layers alone."""
    return {key: value for key, value in config.items() if key != "rope_scaling"} | {"rope_theta": theta}


def linear(inverse: np.ndarray, rope: dict) -> np.ndarray:
    return inverse / rope["factor"]


def llama3(inverse: np.ndarray, rope: dict) -> np.ndarray:
    """Long wavelengths are stretched, short ones kept, those between blended."""
    turns = rope["original_max_position_embeddings"] * inverse / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    blend = np.clip((turns - low) / (high - low), 0, 1)
    return inverse * (blend + (1 - blend) / rope["factor"])


def yarn(inverse: np.ndarray, rope: dict) -> np.ndarray:
    """Peng et al. 2023: fast pairs as they are, slow ones interpolated, a ramp over the pairs between."""
    rotary, theta, original = 2 * len(inverse), rope["rope_theta"], rope["original_max_position_embeddings"]

    def pair_of(turns: float) -> float:
        """The pair that makes so many turns over the original context."""
        return rotary * np.log(original / (turns * 2 * np.pi)) / (2 * np.log(theta))

    low, high = pair_of(rope.get("beta_fast") or 32), pair_of(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        low, high = np.floor(low), np.ceil(high)
    low, high = max(low, 0), min(high, rotary - 1)
    ramp = np.clip((np.arange(len(inverse)) - low) / (high - low if high > low else 0.001), 0, 1)
    return inverse * (1 - ramp) + inverse / rope["factor"] * ramp


def yarn_factor(rope: dict) -> float:
    def magnitude(weight: float) -> float:
        return 0.1 * weight * np.log(rope["factor"]) + 1 if rope["factor"] > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return rope["attention_factor"]
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return magnitude(rope["mscale"]) / magnitude(rope["mscale_all_dim"])
    return magnitude(1.0)


def dynamic(rope: dict, rotary: int, length: int) -> np.ndarray:
    """NTK-aware: past the context theta grows with the length of the sequence, for all its rows."""
    context, factor = rope["max_position_embeddings"], rope["factor"]
    stretch = factor * max(length, context) / context - (factor - 1)
    theta = rope["rope_theta"] * stretch ** (rotary / (rotary - 2))
    return theta ** -(np.arange(0, rotary, 2) / rotary)


def longrope(inverse: np.ndarray, rope: dict, length: int) -> Rope:
    """One divisor for each pair; once a sequence is longer than the original context, the long ones for all its rows."""
    original = rope["original_max_position_embeddings"]
    divisors = rope["long_factor"] if length > original else rope["short_factor"]
    ratio = rope.get("factor") or rope["max_position_embeddings"] / original
    factor = rope.get("attention_factor")
    if factor is None:
        factor = np.sqrt(1 + np.log(ratio) / np.log(original)) if ratio > 1 else 1.0
    return Rope(inverse / np.array(divisors), factor)


def rope_table(
    config: dict, head_dim: int, layer_type: str | None = None, *, length: int = 0, interleaved: bool = False
) -> Rope:
    """theta^(-2i/rotary), reshaped by the config's kind. `length` is the whole sequence's, cached rows included."""
    rope = parameters(config, layer_type)
    rotary = int(head_dim * rope["partial_rotary_factor"])
    kind = rope["rope_type"]
    inverse = rope["rope_theta"] ** -(np.arange(0, rotary, 2, dtype=np.float64) / rotary)
    tables = {
        "default": lambda: Rope(inverse),
        "linear": lambda: Rope(linear(inverse, rope)),
        "llama3": lambda: Rope(llama3(inverse, rope)),
        "yarn": lambda: Rope(yarn(inverse, rope), yarn_factor(rope)),
        "dynamic": lambda: Rope(dynamic(rope, rotary, length)),
        "longrope": lambda: longrope(inverse, rope, length),
    }
    if kind not in tables:
        raise ValueError(f"rope type {kind} is not implemented")
    table = tables[kind]()
    table.interleaved = interleaved
    return table


def depends_on_length(config: dict) -> bool:
    """Whether earlier rows turn differently once a sequence has grown."""
    return parameters(config)["rope_type"] in ("dynamic", "longrope")
