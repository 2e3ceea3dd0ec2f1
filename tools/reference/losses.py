"""The loss of every token of fixed texts, by the float64 forward of this folder.

    python tools/reference/losses.py

Writes tests/fixtures/score/losses.json: per checkpoint its folder, ids, and `losses`, -ln p of every token but the first given those
before it.
"""

import json
from pathlib import Path

import numpy as np
from forward import KvCache, load_forward, run_forward
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = "public/models/tales-3m"
TINY = ["llama", "gpt2", "qwen2"]
TEXT = (
    "Once upon a time there was a little fox named Lily. She lived near the river with her mother. One day Lily found a red kite "
    "in the tall grass. \"Whose kite is this?\" asked Lily. Nobody knew. So she took it home, and the next morning the wind blew. "
    "민수는 공원에서 책을 찾았어요. 하나는 밤에 행복했어요.\n\nThe kite flew over the wood, over the hill, and was never seen again. "
    "zxqv 1234 <b>&amp;</b>"
)
REPEATS = 3  # several pages of the cache, several chunks


def losses(folder: Path, ids: list[int]) -> list[float]:
    logits = run_forward(load_forward(folder), ids[:-1], KvCache())["logits"].astype(np.float64)
    peak = logits.max(axis=-1)
    normaliser = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=-1))
    return [float(f"{loss:.9g}") for loss in normaliser - logits[np.arange(len(logits)), ids[1:]]]


def main() -> None:
    tokenizer = Tokenizer.from_file(str(ROOT / BUNDLED / "tokenizer.json"))
    texts = {BUNDLED: tokenizer.encode(TEXT * REPEATS).ids}
    for name in TINY:
        folder = f"tests/fixtures/models/{name}"
        config = json.loads((ROOT / folder / "config.json").read_text())
        length = config.get("max_position_embeddings") or config["n_positions"]
        texts[folder] = np.random.default_rng(7).integers(0, config["vocab_size"], length).tolist()
    entries = [{"folder": folder, "ids": ids, "losses": losses(ROOT / folder, ids)} for folder, ids in texts.items()]
    out = ROOT / "tests" / "fixtures" / "score" / "losses.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "\n]\n")


if __name__ == "__main__":
    main()
