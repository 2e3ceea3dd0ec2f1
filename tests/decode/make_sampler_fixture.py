"""Writes ../fixtures/decode/sampler_fixture.json: what the logits processors of Hugging Face Transformers make of random logits.

Transformers itself chooses the processors and their order from a GenerationConfig; scores are float64. Needs torch and
transformers (5.x). Run: python tests/decode/make_sampler_fixture.py
"""

import json
import random
from pathlib import Path

import torch
import transformers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, LogitsProcessorList

VOCAB = 50
CASES = 320
# Logits are whole multiples of this, so they are exact in f32 and short in JSON.
STEP = 1 / 1024


def draw_settings(rng: random.Random) -> dict:
    return {
        "temperature": rng.choice([0.1, 0.5, 0.8, 1.0, 1.3, 2.5]),
        "topK": rng.choice([0, 0, 1, 5, 20, 40, 50, 100]),
        "topP": rng.choice([1.0, 1.0, 0.95, 0.9, 0.5, 0.1, 0.01]),
        "minP": rng.choice([0.0, 0.0, 0.02, 0.05, 0.3, 1.0]),
        "repetitionPenalty": rng.choice([1.0, 1.0, 1.1, 1.5, 0.8]),
    }


def processors(model: GPT2LMHeadModel, settings: dict, seen: torch.Tensor) -> LogitsProcessorList:
    config = GenerationConfig(
        do_sample=True,
        temperature=settings["temperature"],
        top_k=settings["topK"],
        top_p=settings["topP"],
        min_p=settings["minP"],
        repetition_penalty=settings["repetitionPenalty"],
    )
    return model._get_logits_processor(
        generation_config=config,
        input_ids_seq_length=seen.shape[1],
        encoder_input_ids=seen,
        logits_processor=LogitsProcessorList(),
        model_kwargs={},
    )


def make_case(model: GPT2LMHeadModel, rng: random.Random, masked: bool) -> dict:
    spread = rng.choice([300, 3000, 12000])
    # Distinct values: how ties fall is a rule of our own and tested elsewhere.
    steps = rng.sample(range(-spread, spread), VOCAB)
    hidden = set(rng.sample(range(VOCAB), 10)) if masked else set()
    logits = [float("-inf") if i in hidden else step * STEP for i, step in enumerate(steps)]
    seen = [rng.randrange(VOCAB) for _ in range(rng.randint(1, 30))]
    settings = draw_settings(rng)
    ids = torch.tensor([seen])
    scores = processors(model, settings, ids)(ids, torch.tensor([logits], dtype=torch.float64))[0]
    probabilities = torch.softmax(scores, -1)
    kept = [i for i in torch.argsort(scores, descending=True, stable=True).tolist() if scores[i] > float("-inf")]
    return {
        "options": settings,
        "seenIds": seen,
        "logits": [None if i in hidden else step for i, step in enumerate(steps)],
        "ids": kept,
        "probabilities": [float(f"{probabilities[i].item():.9g}") for i in kept],
    }


def main() -> None:
    rng = random.Random(20240607)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, bos_token_id=0, eos_token_id=0, n_embd=4, n_layer=1, n_head=1, n_positions=8))
    cases = [make_case(model, rng, masked=i % 16 == 0) for i in range(CASES)]
    used = sorted({type(p).__name__ for case in cases for p in processors(model, case["options"], torch.tensor([case["seenIds"]]))})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    head = {"transformers": transformers.__version__, "processors": used, "step": STEP}
    target = Path(__file__).parents[1] / "fixtures/decode/sampler_fixture.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
