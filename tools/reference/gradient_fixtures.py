"""Writes gradients of tiny checkpoints with an adapter, by torch autograd in float64, to tests/fixtures/gradients.

    python tools/reference/gradient_fixtures.py [NAME ...]

Each NAME.json holds the model, the adapter (a folder of tests/fixtures/peft), ids, mask, the mean loss, and where each
gradient lies in NAME.bin (float32): `X.dy` of the output of step X, `X.dx` of the input of a product or norm as it flows
back through that module, `X.dA` and `X.dB` of an adapter's factors. The model's own modules and functions are hooked:
rotations, and the eager attention that holds scores, probabilities and their sum apart.
"""

import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from transformers_f64 import float64_only, load_float64, widen

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
TOKENS = 7


@dataclass
class Case:
    name: str
    model: str
    adapter: str
    tokens: int = TOKENS
    # Layers whose gradients are written, None for all.
    layers: tuple[int, ...] | None = None


CASES = [
    Case("llama", "llama", "llama-all-linear-f16"),
    Case("qwen3", "qwen3", "qwen3-all-linear"),
    # Longer than its window; layer 5 looks at all positions.
    Case("gemma3", "gemma3", "gemma3-all-linear", 15, layers=(0, 5)),
    Case("gpt2", "gpt2-untied", "gpt2-all-linear"),
]

MODULES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn.q",
    "self_attn.k_proj": "attn.k",
    "self_attn.v_proj": "attn.v",
    "self_attn.q_norm": "attn.q_norm",
    "self_attn.k_norm": "attn.k_norm",
    "self_attn.o_proj": "attn.o",
    "post_attention_layernorm": "mlp_norm",
    "mlp.gate_proj": "mlp.gate",
    "mlp.up_proj": "mlp.up",
    "mlp.down_proj": "mlp.down",
    "ln_1": "attn_norm",
    "attn.c_proj": "attn.o",
    "ln_2": "mlp_norm",
    "mlp.c_fc": "mlp.up",
    "mlp.act": "mlp.act",
    "mlp.c_proj": "mlp.down",
}
GEMMA = MODULES | {
    "post_attention_layernorm": "attn_post_norm",
    "pre_feedforward_layernorm": "mlp_norm",
    "post_feedforward_layernorm": "mlp_post_norm",
}
TOP = {"embed_tokens": "embed", "norm": "final_norm", "ln_f": "final_norm", "lm_head": "logits"}


class Recorder:
    """Tensors of one forward whose gradients are kept, by step."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self.inputs: dict[str, torch.Tensor] = {}
        self.layer = 0
        self.turned: list[str] = []

    def keep(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor itself, or where several parts are cut from it a copy that all later readers share."""
        if not tensor.requires_grad:
            tensor.requires_grad_()
        tensor.retain_grad()
        self.tensors[name] = tensor
        return tensor

    def step(self, local: str) -> str:
        return f"layers.{self.layer}.{local}"


def hook_modules(model: torch.nn.Module, recorder: Recorder, is_gemma: bool) -> None:
    names = GEMMA if is_gemma else MODULES

    def entering(layer: int):
        def hook(*_: object) -> None:
            recorder.layer = layer
        return hook

    def leaving(name: str):
        def hook(_module: object, args: tuple, output: object) -> None:
            out = output[0] if isinstance(output, tuple) else output
            recorder.keep(name, out)
        return hook

    def through(name: str):
        def hook(_module: object, grad_input: tuple, _grad_output: tuple) -> None:
            if grad_input[0] is not None:
                recorder.inputs[name] = grad_input[0]
        return hook

    for path, module in model.named_modules():
        parts = path.split(".")
        digits = [i for i, part in enumerate(parts) if part.isdigit()]
        if not digits:
            tail = parts[-1]
            if tail in TOP:
                module.register_forward_hook(leaving(TOP[tail]))
                if tail != "embed_tokens":
                    module.register_full_backward_hook(through(TOP[tail]))
            continue
        layer = int(parts[digits[0]])
        local = ".".join(parts[digits[0] + 1 :])
        if local == "":
            module.register_forward_pre_hook(entering(layer))
            module.register_forward_hook(leaving(f"layers.{layer}.resid"))
        elif local in names:
            name = f"layers.{layer}.{names[local]}"
            module.register_forward_hook(leaving(name))
            module.register_full_backward_hook(through(name))


def hook_functions(model_type: str, recorder: Recorder) -> None:
    """Rotations and eager attention of a model's file, as they are, with what they make kept."""
    file = importlib.import_module(f"transformers.models.{model_type}.modeling_{model_type}")
    if hasattr(file, "apply_rotary_pos_emb"):
        turn = file.apply_rotary_pos_emb

        def turned(q, k, *args, **kwargs):
            q, k = turn(q, k, *args, **kwargs)
            return recorder.keep(recorder.step("attn.q_rope"), q), recorder.keep(recorder.step("attn.k_rope"), k)

        file.apply_rotary_pos_emb = turned

    def attend(module, query, key, value, attention_mask, scaling=None, **_):
        groups = query.shape[1] // key.shape[1]
        keys, values = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
        scores = recorder.keep(recorder.step("attn.scores"), query @ keys.transpose(2, 3) * scaling)
        masked = scores + attention_mask[:, :, :, : key.shape[-2]]
        probs = recorder.keep(recorder.step("attn.probs"), masked.softmax(-1))
        context = recorder.keep(recorder.step("attn.context"), probs @ values)
        return context.transpose(1, 2).contiguous(), probs

    file.eager_attention_forward = attend


def rows_first(name: str, gradient: torch.Tensor, heads_first: bool) -> torch.Tensor:
    """As the engine has it: [rows, features], attention [heads, rows, positions]."""
    gradient = gradient[0]
    if name.endswith(("attn.scores.dy", "attn.probs.dy")):
        return gradient
    # Gemma norms queries and keys after they have been turned to [heads, rows, headDim].
    if name.endswith(("rope.dy", "context.dy")) or (heads_first and "_norm.d" in name and gradient.ndim == 3):
        gradient = gradient.transpose(0, 1)
    return gradient.reshape(gradient.shape[0], -1) if gradient.ndim == 3 else gradient


def factors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    found = {}
    for path, p in model.named_parameters():
        if "lora_" not in path:
            continue
        parts = path.split(".")
        digit = next(i for i, part in enumerate(parts) if part.isdigit())
        local = ".".join(parts[digit + 1 : parts.index("lora_A" if "lora_A" in parts else "lora_B")])
        kind = "dA" if "lora_A" in parts else "dB"
        name = "attn.q_k_v" if local == "attn.c_attn" else MODULES[local]
        found[f"layers.{parts[digit]}.{name}.{kind}"] = p.grad
    return found


def write_case(case: Case) -> None:
    folder = FIXTURES / "models" / case.model
    base = load_float64(folder)
    model_type = base.config.model_type
    file_type = "gemma3" if model_type == "gemma3_text" else model_type
    model = PeftModel.from_pretrained(
        base, FIXTURES / "peft" / case.adapter, autocast_adapter_dtype=False, is_trainable=True
    ).double()
    model.eval()
    ids = json.loads((folder / "expected.json").read_text())["ids"][: case.tokens]
    # Not the first prediction, and one in the middle not.
    mask = [0, 0] + [1] * (len(ids) - 2)
    mask[len(ids) // 2] = 0
    recorder = Recorder()
    hook_modules(base, recorder, file_type == "gemma3")
    hook_functions(file_type, recorder)
    with float64_only():
        logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0]
        counted = [i for i in range(1, len(ids)) if mask[i] == 1]
        loss = torch.nn.functional.cross_entropy(logits[[i - 1 for i in counted]], torch.tensor([ids[i] for i in counted]))
        loss.backward()
    gradients = {f"{name}.dy": tensor.grad for name, tensor in recorder.tensors.items() if tensor.grad is not None}
    for name, probs in recorder.tensors.items():
        if name.endswith("attn.probs"):
            # What is masked is no output of the engine.
            gradients[f"{name}.dy"] = gradients[f"{name}.dy"] * (probs > 0)
    gradients |= {f"{name}.dx": g for name, g in recorder.inputs.items()}
    tensors = {name: rows_first(name, g, file_type == "gemma3") for name, g in gradients.items()} | factors(model)
    tensors["logits.dy"] = tensors["logits.dy"][[i - 1 for i in counted]]
    kept = {name: g for name, g in tensors.items() if case.layers is None or is_kept(name, case.layers)}
    write(case, ids, mask, loss.item(), kept)


def is_kept(name: str, layers: tuple[int, ...]) -> bool:
    parts = name.split(".")
    return parts[0] != "layers" or int(parts[1]) in layers


def write(case: Case, ids: list[int], mask: list[int], loss: float, tensors: dict[str, torch.Tensor]) -> None:
    folder = FIXTURES / "gradients"
    folder.mkdir(exist_ok=True)
    index, data, at = [], [], 0
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().contiguous().to(torch.float32).numpy()
        index.append({"name": name, "shape": list(values.shape), "offset": at})
        data.append(values.tobytes())
        at += values.nbytes
    expected = {"model": case.model, "adapter": case.adapter, "ids": ids, "mask": mask, "loss": loss, "tensors": index}
    (folder / f"{case.name}.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    (folder / f"{case.name}.bin").write_bytes(b"".join(data))
    print(f"{case.name:8} {len(tensors)} gradients, {at / 1000:.0f} kB, loss {loss:.6f}")


def main() -> None:
    wanted = set(sys.argv[1:])
    for case in CASES:
        if not wanted or case.name in wanted:
            write_case(case)


if __name__ == "__main__":
    main()
