"""An independent float64 forward in numpy that yields every fine step of a Llama, Mistral, Qwen2 or GPT-2 checkpoint.

    python tools/reference/forward.py MODEL_DIR --ids 1,2,3 [--weights q8_0] [--steps 'layers.0.*'] [--out FILE.npz]

Shapes are [rows, ...]; scores and probs are [heads, rows, positions]. `scores` are scaled and unmasked (future
positions included), `attn.out` is the output projection before the residual, `mlp.act` is act(gate) * up or gelu(up).
"""

import argparse
import fnmatch
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from checkpoint import read_checkpoint
from ggml_blocks import round_trip

Steps = dict[str, np.ndarray]


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


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    """GPT-2's GELU (`gelu_new`), Hendrycks & Gimpel 2016, eq. 2."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def rope_inverse_frequencies(config: dict, head_dim: int) -> np.ndarray:
    """theta^(-2i/d), with Llama 3's wavelength-dependent stretch where the config asks for it. Reads both spellings."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
    inverse = 1.0 / theta ** (np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return inverse
    if kind != "llama3":
        raise ValueError(f"rope type {kind} is not implemented")
    turns = rope["original_max_position_embeddings"] * inverse / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    blend = np.clip((turns - low) / (high - low), 0, 1)
    return inverse * (blend + (1 - blend) / rope["factor"])


def rotate(x: np.ndarray, positions: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """RoPE over [rows, heads, head_dim] in the checkpoint's layout: element i pairs with i + head_dim / 2."""
    angle = positions[:, None, None] * inverse
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, heads: int, head_dim: int, positions: np.ndarray) -> Steps:
    """scores, probs and mix of q [rows, heads * head_dim] over k, v [positions, kv_heads * head_dim]."""
    rows, total = len(q), len(k)
    q3 = q.reshape(rows, heads, head_dim)
    k3, v3 = (np.repeat(t.reshape(total, -1, head_dim), heads * head_dim // t.shape[1], axis=1) for t in (k, v))
    scores = np.einsum("rhd,phd->hrp", q3, k3) / np.sqrt(head_dim)
    probs = softmax(np.where(np.arange(total) <= positions[:, None], scores, -np.inf))
    mix = np.einsum("hrp,phd->rhd", probs, v3).reshape(rows, -1)
    return {"attn.scores": scores, "attn.probs": probs, "attn.mix": mix}


class LlamaForward:
    """Llama, Mistral and Qwen2: RMSNorm, RoPE, grouped K/V heads, SiLU-gated MLP, optional biases."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        if config["model_type"] == "mistral" and config.get("sliding_window") is not None:
            raise ValueError("sliding_window is not implemented")
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.eps = config["rms_norm_eps"]
        self.inverse = rope_inverse_frequencies(config, self.head_dim)
        self.w = {name: round_trip(t, weights) if t.ndim == 2 else t for name, t in tensors.items()}
        self.head = self.w.get("lm_head.weight", self.w["model.embed_tokens.weight"])

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[name + ".weight"].T + self.w.get(name + ".bias", 0.0)

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps) * self.w[name + ".weight"]

    def rope(self, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        return rotate(x.reshape(len(x), -1, self.head_dim), positions, self.inverse).reshape(x.shape)

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        at = f"model.layers.{n}."
        s: Steps = {"input_norm": self.norm(x, at + "input_layernorm")}
        for p in "qkv":
            s[f"attn.{p}"] = self.linear(s["input_norm"], f"{at}self_attn.{p}_proj")
        s["attn.q_rope"] = self.rope(s["attn.q"], positions)
        s["attn.k_rope"] = self.rope(s["attn.k"], positions)
        k, v = cache.extend(n, s["attn.k_rope"], s["attn.v"])
        s |= attend(s["attn.q_rope"], k, v, self.heads, self.head_dim, positions)
        s["attn.out"] = self.linear(s["attn.mix"], at + "self_attn.o_proj")
        s["resid_mid"] = x + s["attn.out"]
        s["post_norm"] = self.norm(s["resid_mid"], at + "post_attention_layernorm")
        s["mlp.gate"] = self.linear(s["post_norm"], at + "mlp.gate_proj")
        s["mlp.up"] = self.linear(s["post_norm"], at + "mlp.up_proj")
        s["mlp.act"] = silu(s["mlp.gate"]) * s["mlp.up"]
        s["mlp.down"] = self.linear(s["mlp.act"], at + "mlp.down_proj")
        s["resid"] = s["resid_mid"] + s["mlp.down"]
        return s

    def embed(self, ids: np.ndarray, _positions: np.ndarray) -> np.ndarray:
        return self.w["model.embed_tokens.weight"][ids]

    def final_norm(self, x: np.ndarray) -> np.ndarray:
        return self.norm(x, "model.norm")


class Gpt2Forward:
    """GPT-2: LayerNorm, learned positions, fused QKV, Conv1D weights stored [in, out]."""

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        if config.get("activation_function", "gelu_new") != "gelu_new":
            raise ValueError(f"activation {config['activation_function']} is not implemented")
        self.layers = config["n_layer"]
        self.heads = config["n_head"]
        self.head_dim = config["n_embd"] // self.heads
        self.eps = config["layer_norm_epsilon"]
        self.w = {name.removeprefix("transformer."): t for name, t in tensors.items()}
        for name, t in self.w.items():
            if t.ndim == 2 and name != "wpe.weight":
                # Blocks run along the input, so a Conv1D matrix is turned before and after.
                turned = name.startswith("h.")
                self.w[name] = round_trip(t.T, weights).T if turned else round_trip(t, weights)
        self.head = self.w.get("lm_head.weight", self.w["wte.weight"])

    def conv1d(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[name + ".weight"] + self.w[name + ".bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.eps)
        return scaled * self.w[name + ".weight"] + self.w[name + ".bias"]

    def layer(self, n: int, x: np.ndarray, positions: np.ndarray, cache: KvCache) -> Steps:
        at = f"h.{n}."
        s: Steps = {"input_norm": self.norm(x, at + "ln_1")}
        qkv = self.conv1d(s["input_norm"], at + "attn.c_attn")
        s["attn.q"], s["attn.k"], s["attn.v"] = np.split(qkv, 3, axis=-1)
        k, v = cache.extend(n, s["attn.k"], s["attn.v"])
        s |= attend(s["attn.q"], k, v, self.heads, self.head_dim, positions)
        s["attn.out"] = self.conv1d(s["attn.mix"], at + "attn.c_proj")
        s["resid_mid"] = x + s["attn.out"]
        s["post_norm"] = self.norm(s["resid_mid"], at + "ln_2")
        s["mlp.up"] = self.conv1d(s["post_norm"], at + "mlp.c_fc")
        s["mlp.act"] = gelu_tanh(s["mlp.up"])
        s["mlp.down"] = self.conv1d(s["mlp.act"], at + "mlp.c_proj")
        s["resid"] = s["resid_mid"] + s["mlp.down"]
        return s

    def embed(self, ids: np.ndarray, positions: np.ndarray) -> np.ndarray:
        return self.w["wte.weight"][ids] + self.w["wpe.weight"][positions]

    def final_norm(self, x: np.ndarray) -> np.ndarray:
        return self.norm(x, "ln_f")


Model = LlamaForward | Gpt2Forward


def load_forward(folder: Path, weights: str = "f32") -> Model:
    """The forward of a checkpoint folder. `weights`: f32 (as stored), f16, q8_0 or q4_0 for every matrix but `wpe`."""
    config, tensors = read_checkpoint(folder)
    kinds = {"llama": LlamaForward, "mistral": LlamaForward, "qwen2": LlamaForward, "gpt2": Gpt2Forward}
    return kinds[config["model_type"]](config, tensors, weights)


def run_forward(model: Model, ids: list[int], cache: KvCache | None = None) -> Steps:
    """Every fine step of `ids` appended to `cache` (a fresh one when omitted), in order of computation."""
    cache = KvCache() if cache is None else cache
    positions = cache.length + np.arange(len(ids))
    steps: Steps = {"embed": model.embed(np.array(ids), positions)}
    x = steps["embed"]
    for n in range(model.layers):
        inner = model.layer(n, x, positions, cache)
        x = inner["resid"]
        steps |= {f"layers.{n}.{name}": value for name, value in inner.items()}
    steps["final_norm"] = model.final_norm(x)
    steps["logits"] = steps["final_norm"] @ model.head.T
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--ids", required=True, help="token ids, separated by commas")
    parser.add_argument("--weights", choices=["f32", "f16", "q8_0", "q4_0"], default="f32")
    parser.add_argument("--steps", default="*", help="shell pattern over step names")
    parser.add_argument("--out", type=Path, help="write the steps as .npz (float64)")
    args = parser.parse_args()
    steps = run_forward(load_forward(args.model, args.weights), [int(i) for i in args.ids.split(",")])
    chosen = {name: value for name, value in steps.items() if fnmatch.fnmatch(name, args.steps)}
    for name, value in chosen.items():
        print(f"{name:28} {str(list(value.shape)):18} mean {value.mean():+.6f} std {value.std():.6f}")
    if args.out:
        np.savez(args.out, **chosen)


if __name__ == "__main__":
    main()
