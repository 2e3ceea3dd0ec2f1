"""A Llama decoder in plain PyTorch whose tensors carry the names of Transformers' LlamaForCausalLM."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The body of the bundled model; `vocab` comes from the tokenizer."""

    vocab: int
    hidden: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 3
    head_dim: int = 32
    mlp: int = 512
    context: int = 512
    rope_theta: float = 10_000.0
    eps: float = 1e-5


def rotary_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin, [context, head_dim], halves repeated as Transformers does."""
    inverse = shape.rope_theta ** (-torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim)
    angles = torch.arange(shape.context, dtype=torch.float64)[:, None] * inverse
    angles = torch.cat([angles, angles], dim=1)
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: [batch, heads, positions, head_dim]."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.hidden, shape.heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_dim, shape.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        batch, rows, _ = x.shape
        shape = self.shape
        q = self.q_proj(x).view(batch, rows, shape.heads, shape.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, rows, shape.kv_heads, shape.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, rows, shape.kv_heads, shape.head_dim).transpose(1, 2)
        group = shape.heads // shape.kv_heads
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, rows, -1))


class Mlp(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.down_proj = nn.Linear(shape.mlp, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.hidden, eps=shape.eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden, eps=shape.eps)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """`forward` gives final hidden states [batch, rows, hidden]; `logits` applies the tied head."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden, eps=shape.eps)
        cos, sin = rotary_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        rows = ids.shape[1]
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:rows], self.sin[:rows], mask)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.embed_tokens.weight)


def transformers_config(shape: Shape) -> dict[str, object]:
    """config.json as Transformers writes it for this shape."""
    return {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 0,
        "eos_token_id": 0, "head_dim": shape.head_dim, "hidden_act": "silu", "hidden_size": shape.hidden,
        "initializer_range": 0.02, "intermediate_size": shape.mlp, "max_position_embeddings": shape.context,
        "mlp_bias": False, "model_type": "llama", "num_attention_heads": shape.heads, "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads, "pretraining_tp": 1, "rms_norm_eps": shape.eps, "rope_scaling": None,
        "rope_theta": shape.rope_theta, "tie_word_embeddings": True, "torch_dtype": "float16", "use_cache": True,
        "vocab_size": shape.vocab,
    }


def save_model(model: Llama, folder: Path) -> None:
    """Writes config.json, generation_config.json and model.safetensors (f16, tied head stored once)."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": weight.detach().to("cpu", torch.float16).contiguous() for name, weight in model.state_dict().items()}
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(transformers_config(model.shape), indent=1) + "\n")
    generation = {"bos_token_id": 0, "eos_token_id": [0, 4]}  # stories end on <|endoftext|>, chat turns on <|end|>
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")


def load_model(folder: Path) -> Llama:
    """Reads a folder written by `save_model`, or any tied Llama checkpoint of that layout, as f32."""
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(vocab=config["vocab_size"], hidden=config["hidden_size"], layers=config["num_hidden_layers"],
                  heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"], head_dim=config["head_dim"],
                  mlp=config["intermediate_size"], context=config["max_position_embeddings"],
                  rope_theta=config["rope_theta"], eps=config["rms_norm_eps"])
    model = Llama(shape)
    tensors = load_file(str(folder / "model.safetensors"))
    model.load_state_dict({name.removeprefix("model."): weight.float() for name, weight in tensors.items() if name != "lm_head.weight"})
    return model
