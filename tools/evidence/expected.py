"""Writes what Transformers makes of the shipped model: `python -m evidence.expected --model DIR --out FILE`, in `tools/`.

Token ids of odd texts, chat prompts through the template, greedy continuations and leading logits in f64 over the f16
weights: what our own tokenizer and engine must reproduce.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["", " ", "Once upon a time", "  two  spaces\tand\n\nlines \n", "it's we'll THEY'D", "12345 678.90", "naïve café — ½ 𝒳",
         "민수는 공원에서 책을 찾았어요.", "뷁쀍 한글과 English 섞기", "日本語 и русский", "👩‍👩‍👧 🙂", "a<|end|>b <|nothing|>",
         "<|instruction|> Swap the names.<|input|> Tom met Mia.<|label|>", "e\u0301 é", "\u200b\u00a0x"]
CHATS = [[{"role": "user", "content": "Tell me a story about a fox named Mia and a red kite."}],
         [{"role": "system", "content": "You tell short stories."}, {"role": "user", "content": "Hello."},
          {"role": "assistant", "content": "Hello, Tom."}, {"role": "user", "content": "  More?  "}]]
PROMPTS = ["Once upon a time", "A little fox named Mia lived near the river.", "Count: 3 4 5", "민수는"]
GREEDY, LEADING = 40, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float64).eval()

    cases = []
    for prompt in PROMPTS:
        ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        with torch.no_grad():
            logits, leading = model(ids).logits[0, -1].topk(LEADING)
            greedy = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=GREEDY, do_sample=False, pad_token_id=0)
        cases.append({"prompt": prompt, "ids": ids[0].tolist(), "greedy": greedy[0, ids.shape[1]:].tolist(),
                      "leading": [[int(token), round(float(value), 5)] for token, value in zip(leading, logits)]})
    chats = [{"messages": messages, "text": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)}
             for messages in CHATS]
    texts = [{"text": text, "ids": tokenizer(text)["input_ids"],
              "decoded": tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)} for text in TEXTS]
    args.out.write_text(json.dumps({"texts": texts, "chats": chats, "cases": cases}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
