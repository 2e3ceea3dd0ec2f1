"""One class for each family of architectures, and which `model_type` it reads."""

from families.bert import BertForward, DistilBertForward, ModernBertForward, RobertaForward
from families.experts import (
    GptOssForward,
    GraniteMoeForward,
    MixtralForward,
    OlmoeForward,
    Qwen2MoeForward,
    Qwen3MoeForward,
)
from families.gemma import Gemma2Forward, Gemma3Forward
from families.gpt2 import Gpt2Forward
from families.granite import GraniteForward, GraniteHybridForward, HyperClovaXForward
from families.layer_norm import (
    Cohere2Forward,
    FalconForward,
    GptNeoXForward,
    PhiForward,
    StableLmForward,
    Starcoder2Forward,
)
from families.llama import (
    Glm4Forward,
    LlamaForward,
    Ministral3Forward,
    Phi3Forward,
    Qwen3Forward,
    SmolLm3Forward,
)
from families.olmo import Exaone4Forward, Olmo2Forward, Olmo3Forward
from families.opt import OptForward

FAMILIES = {
    "llama": LlamaForward,
    "mistral": LlamaForward,
    "qwen2": LlamaForward,
    "qwen3": Qwen3Forward,
    "smollm3": SmolLm3Forward,
    "ministral3": Ministral3Forward,
    "phi3": Phi3Forward,
    "gemma2": Gemma2Forward,
    "gemma3_text": Gemma3Forward,
    "olmo2": Olmo2Forward,
    "olmo3": Olmo3Forward,
    "exaone4": Exaone4Forward,
    "granite": GraniteForward,
    "granitemoehybrid": GraniteHybridForward,
    "hyperclovax": HyperClovaXForward,
    "glm4": Glm4Forward,
    "starcoder2": Starcoder2Forward,
    "stablelm": StableLmForward,
    "gpt_neox": GptNeoXForward,
    "phi": PhiForward,
    "cohere2": Cohere2Forward,
    "falcon": FalconForward,
    "opt": OptForward,
    "mixtral": MixtralForward,
    "qwen2_moe": Qwen2MoeForward,
    "qwen3_moe": Qwen3MoeForward,
    "olmoe": OlmoeForward,
    "granitemoe": GraniteMoeForward,
    "gpt_oss": GptOssForward,
    "bert": BertForward,
    "roberta": RobertaForward,
    "distilbert": DistilBertForward,
    "modernbert": ModernBertForward,
    "gpt2": Gpt2Forward,
}

Model = LlamaForward | Gpt2Forward
