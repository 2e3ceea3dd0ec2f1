"""The byte-level BPE tokenizer, 16 reserved tokens first, written the way Hugging Face tokenizers and Transformers do."""
from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Iterator

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from .tasks import BEGIN, RESERVED

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# Characters a part may give to the merges: real text and stories decide most, Korean gets enough for whole words.
SAMPLE = {"tinystories": 4_000_000, "tales": 1_500_000, "stories": 4_000_000, "korean": 1_200_000, "parallel": 200_000}
SAMPLE_OTHER = 200_000


def _sample(parts: dict[str, list[str]]) -> Iterator[str]:
    for name, documents in parts.items():
        order = list(range(len(documents)))
        random.Random(f"tokenizer/{name}").shuffle(order)
        left = SAMPLE.get(name, SAMPLE_OTHER)
        for index in order:
            if left <= 0:
                break
            left -= len(documents[index])
            yield documents[index]


def train_tokenizer(parts: dict[str, list[str]], vocabulary: int) -> Tokenizer:
    """BPE over bytes with GPT-2's splitting; ids 0-15 are `RESERVED`. Encoding puts the begin token first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=RESERVED, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    texts = list(_sample(parts))
    for token in RESERVED:
        texts = [text.replace(token, "\n") for text in texts]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", pair=f"{BEGIN} $A $B",
                                                             special_tokens=[(BEGIN, 0)])
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": BEGIN, "eos_token": BEGIN, "model_max_length": 512,
              "clean_up_tokenization_spaces": False, "additional_special_tokens": RESERVED[1:],
              "chat_template": CHAT_TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
