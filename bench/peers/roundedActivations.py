"""What llama.cpp's rounding of activations to 8 bits costs, computed from its definition.

python bench/peers/roundedActivations.py FILE.gguf --server URL [--prompts FILE.json] [--tokens 16]

The server writes greedily from each prompt and gives its 20 most probable tokens. The same ids are read twice here in float32 over the
values of the file: with activations as they are, and with those of every product rounded as ggml's CPU backend rounds them
(quantize_row_q8_1 and quantize_row_q8_0: blocks of 32, round(127 x / max |x|), scale and sum in half precision). JSON lines: each way
beside the server, and one beside the other.
Llama's architecture, matrices in F32, F16, Q4_1, Q4_0, Q8_0 or Q5_0. Needs gguf, numpy, torch.
"""

import argparse
import json
import urllib.request

import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader
from gguf.quants import dequantize

TOP = 20
PROBABLE = np.log(0.01)
BLOCK = 32


def half(values: torch.Tensor) -> torch.Tensor:
    return values.half().float()


class Matrix:
    """y = Wx, where W = steps + minima; minima are [out, blocks] and only Q4_1 has them."""

    def __init__(self, tensor):
        self.rounds = tensor.tensor_type not in (Type.F32, Type.F16, Type.BF16)
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
        self.minima = None
        if tensor.tensor_type == Type.Q4_1:
            blocks = tensor.data.reshape(values.shape[0], -1, 20)
            minima = np.ascontiguousarray(blocks[:, :, 2:4]).view(np.float16)[:, :, 0].astype(np.float32)
            self.minima = torch.from_numpy(minima)
            values = values - self.minima.repeat_interleave(BLOCK, dim=1)
        self.steps = values

    def rows(self, ids):
        rows = self.steps[ids]
        return rows if self.minima is None else rows + self.minima[ids].repeat_interleave(BLOCK, dim=1)

    def times(self, x: torch.Tensor, rounded: bool) -> torch.Tensor:
        blocks = x.reshape(x.shape[0], -1, BLOCK)
        if not (rounded and self.rounds):
            y = x @ self.steps.T
            return y if self.minima is None else y + blocks.sum(-1) @ self.minima.T
        scale = blocks.abs().amax(-1, keepdim=True) / 127
        inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
        quants = (blocks * inverse).round()
        y = (quants * half(scale)).reshape(x.shape) @ self.steps.T
        if self.minima is None:
            return y
        return y + half(quants.sum(-1) * scale[..., 0]) @ self.minima.T


class Llama:
    def __init__(self, path: str):
        reader = GGUFReader(path)
        field = lambda name: reader.fields[f"llama.{name}"].contents()
        self.layers, self.heads = field("block_count"), field("attention.head_count")
        self.kv_heads, self.eps = field("attention.head_count_kv"), field("attention.layer_norm_rms_epsilon")
        self.base = field("rope.freq_base")
        self.head_dim = field("embedding_length") // self.heads
        self.vectors, self.matrices = {}, {}
        for tensor in reader.tensors:
            if len(tensor.shape) == 1:
                self.vectors[tensor.name] = torch.from_numpy(np.array(tensor.data, dtype=np.float32))
            else:
                self.matrices[tensor.name] = Matrix(tensor)

    def norm(self, x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps) * self.vectors[name]

    def turned(self, x):
        """Rotates neighbouring pairs: [tokens, heads, headDim]."""
        positions = torch.arange(x.shape[0], dtype=torch.float32)[:, None, None]
        frequencies = self.base ** (-torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim)
        angle = positions * frequencies
        a, b = x[..., 0::2], x[..., 1::2]
        both = (a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos())
        return torch.stack(both, -1).reshape(x.shape)

    def logprobs(self, ids, rounded: bool) -> torch.Tensor:
        count = len(ids)
        product = lambda name, x: self.matrices[name].times(x, rounded)
        x = self.matrices["token_embd.weight"].rows(ids)
        mask = torch.full((count, count), float("-inf")).triu(1)
        for n in range(self.layers):
            at = f"blk.{n}."
            h = self.norm(x, at + "attn_norm.weight")
            split = lambda y: y.reshape(count, -1, self.head_dim)
            q, k = (self.turned(split(product(f"{at}attn_{p}.weight", h))) for p in "qk")
            v = split(product(at + "attn_v.weight", h))
            k, v = (t.repeat_interleave(self.heads // self.kv_heads, dim=1) for t in (k, v))
            scores = torch.einsum("ihd,jhd->hij", q, k) / self.head_dim**0.5 + mask
            context = torch.einsum("hij,jhd->ihd", scores.softmax(-1), v).reshape(count, -1)
            x = x + product(at + "attn_output.weight", context)
            h = self.norm(x, at + "ffn_norm.weight")
            gated = torch.nn.functional.silu(product(at + "ffn_gate.weight", h))
            x = x + product(at + "ffn_down.weight", gated * product(at + "ffn_up.weight", h))
        head = "output.weight" if "output.weight" in self.matrices else "token_embd.weight"
        return product(head, self.norm(x, "output_norm.weight")).log_softmax(-1)


def written(server: str, ids, tokens: int):
    body = dict(prompt=ids, n_predict=tokens, n_probs=TOP, temperature=0, cache_prompt=False, ignore_eos=True)
    request = urllib.request.Request(f"{server}/completion", json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["completion_probabilities"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--server", default="http://127.0.0.1:8080")
    parser.add_argument("--prompts", required=True, help="{ prompts: [{ ids }] }")
    parser.add_argument("--tokens", type=int, default=16)
    options = parser.parse_args()
    model = Llama(options.file)
    with open(options.prompts) as file:
        prompts = [prompt["ids"] for prompt in json.load(file)["prompts"]]
    names = ("as they are", "rounded")
    found = {name: [] for name in names}
    with torch.no_grad():
        for ids in prompts:
            steps = written(options.server, ids, options.tokens)
            forced = ids + [step["id"] for step in steps]
            for name in names:
                rows = model.logprobs(forced[:-1], name == "rounded")[len(ids) - 1 :]
                for row, step in zip(rows, steps):
                    found[name] += [(row[top["id"]].item(), top["logprob"]) for top in step["top_logprobs"]]
    plain, rounded = (np.array(found[name]) for name in names)
    between = np.stack([plain[:, 0], rounded[:, 0]], axis=1)
    for name, pairs in (*zip(names, (plain, rounded)), ("one beside the other", between)):
        apart = np.abs(pairs[:, 0] - pairs[:, 1])
        probable = apart[pairs[:, 1] >= PROBABLE]
        figures = dict(mean=apart.mean(), largest=apart.max(), largestProbable=probable.max())
        print(json.dumps(dict(name="peer.activations", activations=name, unit="nats", values=len(apart), **{
            key: float(f"{value:.4g}") for key, value in figures.items()
        })))


main()
