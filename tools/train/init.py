"""Starting a model from another one of the same body but another vocabulary."""
from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer

from .llama import Llama, load_model


def start_from(model: Llama, folder: Path, tokenizer: Tokenizer) -> int:
    """Copies the body of `folder`'s model and maps embedding rows by token string.

    A token the other vocabulary lacks starts as the mean of the rows the other tokenizer splits it into; a reserved
    token as the mean of all rows. Returns how many rows were copied as they are.
    """
    other = load_model(folder)
    other_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    other_ids = other_tokenizer.get_vocab()
    rows = other.embed_tokens.weight.detach()
    state = {name: weight for name, weight in other.state_dict().items() if name != "embed_tokens.weight"}
    model.load_state_dict(state, strict=False)
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    copied = 0
    with torch.no_grad():
        for token, index in tokenizer.get_vocab().items():
            if token in other_ids:
                model.embed_tokens.weight[index] = rows[other_ids[token]]
                copied += 1
            elif token in special:
                model.embed_tokens.weight[index] = rows.mean(dim=0) + 0.02 * torch.randn(rows.shape[1])
            else:
                text = tokenizer.decoder.decode([token])
                pieces = other_tokenizer.encode(text, add_special_tokens=False).ids
                model.embed_tokens.weight[index] = rows[pieces].mean(dim=0)
    return copied
