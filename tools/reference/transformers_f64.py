"""Runs Transformers models in true float64.

Transformers casts to float32 inside RMSNorm, softmax and RoPE even when the weights are float64. While `float64_only`
is active, `torch.float32`, `.float()` and the default type mean float64, so the library's own code runs without those roundings.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

torch.set_num_threads(1)
logging.disable_progress_bar()
logging.set_verbosity_error()
ENCODERS = ("bert", "roberta", "camembert", "xlm-roberta", "distilbert", "modernbert")


@contextmanager
def float64_only() -> Iterator[None]:
    saved = torch.float32, torch.float, torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.float32, torch.float, torch.Tensor.float = torch.float64, torch.float64, torch.Tensor.double
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = saved
        torch.set_default_dtype(torch.float32)


def load_float64(folder: Path, config: PreTrainedConfig | None = None) -> PreTrainedModel:
    """The checkpoint with its stored weights widened to float64; an encoder with its masked-LM head."""
    config = config or AutoConfig.from_pretrained(folder)
    kind = AutoModelForMaskedLM if config.model_type in ENCODERS else AutoModelForCausalLM
    eager = {"attn_implementation": "eager", "experts_implementation": "eager"}
    return widen(kind.from_pretrained(folder, config=config, dtype=torch.float64, **eager))


def widen(model: PreTrainedModel) -> PreTrainedModel:
    """Float64 weights, and RoPE frequencies and embedding scales computed anew in float64."""
    model = model.double().eval()
    for module in list(model.modules()):
        if getattr(module, "rotary_emb", None) is not None:
            with float64_only():
                module.rotary_emb = type(module.rotary_emb)(module.config)
        if hasattr(module, "scalar_embed_scale"):
            module.embed_scale = torch.tensor(module.scalar_embed_scale, dtype=torch.float64)
    return model


def logits_float64(model: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    """Logits of every position, [positions, vocab], float64."""
    with torch.no_grad(), float64_only():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    assert logits.dtype == torch.float64
    return logits
