"""One class for each family of architectures, and which `model_type` it reads."""

from families.gemma import Gemma2Forward, Gemma3Forward
from families.gpt2 import Gpt2Forward
from families.llama import LlamaForward, Qwen3Forward

FAMILIES = {
    "llama": LlamaForward,
    "mistral": LlamaForward,
    "qwen2": LlamaForward,
    "qwen3": Qwen3Forward,
    "gemma2": Gemma2Forward,
    "gemma3_text": Gemma3Forward,
    "gpt2": Gpt2Forward,
}

Model = LlamaForward | Gpt2Forward
