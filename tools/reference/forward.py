"""An independent float64 forward in numpy that yields every fine step of a checkpoint of any family in `families/`.

    python tools/reference/forward.py MODEL_DIR --ids 1,2,3 [--weights q8_0] [--steps 'layers.0.*'] [--out FILE.npz]

Shapes are [rows, ...]; scores and probs are [heads, rows, positions]. `scores` are scaled, capped and unmasked (future
positions included), `attn.o` is the output projection before norm and residual, `mlp.act` is what enters the down
product: act(gate) * up or act(up). `logits` are final: scaled and capped.
"""

import argparse
import fnmatch
from pathlib import Path

import numpy as np
from attention import KvCache
from checkpoint import read_checkpoint
from families import FAMILIES, Model
from maths import Steps

__all__ = ["KvCache", "Model", "Steps", "load_forward", "make_forward", "run_forward"]


def make_forward(config: dict, tensors: dict[str, np.ndarray], weights: str = "f32") -> Model:
    return FAMILIES[config["model_type"]](config, tensors, weights)


def load_forward(folder: Path, weights: str = "f32") -> Model:
    """The forward of a checkpoint folder. `weights`: f32 (as stored), f16, q8_0 or q4_0 for every matrix but `wpe`."""
    return make_forward(*read_checkpoint(folder), weights)


def run_forward(model: Model, ids: list[int], cache: KvCache | None = None) -> Steps:
    """Every fine step of `ids` appended to `cache` (a fresh one when omitted), in order of computation."""
    cache = KvCache() if cache is None else cache
    positions = cache.length + np.arange(len(ids))
    steps = model.embed(np.array(ids), positions)
    x = list(steps.values())[-1]
    for n in range(model.layers):
        inner = model.layer(n, x, positions, cache)
        x = list(inner.values())[-1]
        steps |= {f"layers.{n}.{name}": value for name, value in inner.items()}
    return steps | model.close(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--ids", required=True, help="token ids, separated by commas")
    parser.add_argument("--weights", choices=["f32", "f16", "q8_0", "q4_0"], default="f32")
    parser.add_argument("--steps", default="*", help="shell pattern over step names")
    parser.add_argument("--out", type=Path, help="write the steps as .npz (float64)")
    args = parser.parse_args()
    steps = run_forward(load_forward(args.model, args.weights), [int(i) for i in args.ids.split(",")])
    chosen = {name: value for name, value in steps.items() if fnmatch.fnmatch(name, args.steps)}
    for name, value in chosen.items():
        print(f"{name:28} {str(list(value.shape)):18} mean {value.mean():+.6f} std {value.std():.6f}")
    if args.out:
        np.savez(args.out, **chosen)


if __name__ == "__main__":
    main()
