"""Mixtures of experts: Mixtral, Qwen2-MoE, Qwen3-MoE, OLMoE, Granite-MoE, gpt-oss."""

import numpy as np
from families.granite import GraniteForward
from families.llama import LlamaForward
from families.olmo import Olmo2Forward
from maths import Steps, sigmoid, softmax


class Experts(LlamaForward):
    """The `chosen` experts of highest router score; each step of theirs is [rows, chosen, width], best first."""

    router_at = "mlp.gate"
    # Whether weights are taken from the softmax over all experts, or are one over the chosen.
    softmax_over_all = True

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.chosen = config["num_experts_per_tok"]
        self.normalise = config.get("norm_topk_prob", True)

    def weigh(self, router: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        if not self.softmax_over_all:
            return softmax(np.take_along_axis(router, chosen, axis=-1))
        weights = np.take_along_axis(softmax(router), chosen, axis=-1)
        return weights / weights.sum(axis=-1, keepdims=True) if self.normalise else weights

    def expert(self, n: int, number: int, x: np.ndarray) -> Steps:
        """gate, up, act and down of one expert over x [width]."""
        at = self.at(n, f"mlp.experts.{number}.")
        gate, up = self.linear(x, at + "gate_proj"), self.linear(x, at + "up_proj")
        act = self.activation(gate) * up
        return {"gate": gate, "up": up, "act": act, "down": self.linear(act, at + "down_proj")}

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        s: Steps = {"mlp.router": self.linear(x, self.at(n, self.router_at))}
        chosen = np.argsort(-s["mlp.router"], axis=-1, kind="stable")[:, : self.chosen]
        s["mlp.chosen"] = chosen.astype(np.float64)
        s["mlp.weights"] = self.weigh(s["mlp.router"], chosen)
        rows = [[self.expert(n, int(e), x[row]) for e in chosen[row]] for row in range(len(x))]
        for part in ("gate", "up", "act", "down"):
            s[f"mlp.{part}"] = np.array([[expert[part] for expert in row] for row in rows])
        s["mlp.experts"] = (s["mlp.weights"][..., None] * s["mlp.down"]).sum(axis=1)
        return s


class MixtralForward(Experts):
    router_at = "block_sparse_moe.gate"

    def expert(self, n: int, number: int, x: np.ndarray) -> Steps:
        at = self.at(n, f"block_sparse_moe.experts.{number}.")
        gate, up = self.linear(x, at + "w1"), self.linear(x, at + "w3")
        act = self.activation(gate) * up
        return {"gate": gate, "up": up, "act": act, "down": self.linear(act, at + "w2")}


class Qwen3MoeForward(Experts):
    """Some layers may stay dense."""

    qk_norm = True

    def is_dense(self, n: int) -> bool:
        return n in self.config["mlp_only_layers"] or (n + 1) % self.config["decoder_sparse_step"] != 0

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        return LlamaForward.mlp(self, n, x) if self.is_dense(n) else super().mlp(n, x)


class Qwen2MoeForward(Qwen3MoeForward):
    """Beside the chosen experts one that always runs, weighted by a sigmoid of its own."""

    qk_norm = False

    def mlp(self, n: int, x: np.ndarray) -> Steps:
        s = super().mlp(n, x)
        if self.is_dense(n):
            return s
        at = self.at(n, "mlp.shared_expert.")
        shared = {part: self.linear(x, at + part + "_proj") for part in ("gate", "up")}
        shared["act"] = self.activation(shared["gate"]) * shared["up"]
        shared["down"] = self.linear(shared["act"], at + "down_proj")
        shared["scale"] = sigmoid(self.linear(x, self.at(n, "mlp.shared_expert_gate")))
        s |= {f"mlp.shared.{part}": value for part, value in shared.items()}
        s["mlp.out"] = s["mlp.experts"] + shared["scale"] * shared["down"]
        return s


class OlmoeForward(Experts):
    """Norms before the blocks, QK-norm over the whole width, and now and then a bound behind it."""

    qk_norm = True
    normed_heads = Olmo2Forward.normed_heads

    def __init__(self, config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> None:
        super().__init__(config, tensors, weights)
        self.qkv_limit = config.get("clip_qkv")


class GraniteMoeForward(Experts, GraniteForward):
    """All experts in one tensor [experts, 2 * width, hidden]: gate in the first half of the rows, up in the second."""

    router_at = "block_sparse_moe.router.layer"
    softmax_over_all = False

    def expert(self, n: int, number: int, x: np.ndarray) -> Steps:
        into = self.w[self.at(n, "block_sparse_moe.input_linear.weight")][number]
        out = self.w[self.at(n, "block_sparse_moe.output_linear.weight")][number]
        gate, up = np.split(into @ x, 2)
        act = self.activation(gate) * up
        return {"gate": gate, "up": up, "act": act, "down": out @ act}


class GptOssForward(Experts):
    """Tensors [experts, in, out] with gate and up in turns, clamped; sinks lie with the attention's other tensors.

    `gate` and `up` are the products with their biases, before the clamp.
    """

    router_at = "mlp.router"
    softmax_over_all = False

    def expert(self, n: int, number: int, x: np.ndarray) -> Steps:
        into, out = (self.at(n, f"mlp.experts.{name}_proj") for name in ("gate_up", "down"))
        gate_up = x @ self.w[into][number] + self.w[into + "_bias"][number]
        gate, up = gate_up[0::2], gate_up[1::2]
        limit, alpha = self.config.get("swiglu_limit", 7.0), self.config.get("swiglu_alpha", 1.702)
        clamped = np.minimum(gate, limit)
        act = (np.clip(up, -limit, limit) + 1) * clamped * sigmoid(alpha * clamped)
        return {"gate": gate, "up": up, "act": act, "down": act @ self.w[out][number] + self.w[out + "_bias"][number]}
