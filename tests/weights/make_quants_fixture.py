"""Writes gguf_quants.json: blocks quantised by the `gguf` package and halves rounded by numpy, for quants.test.ts.

    python tests/quant/make_quants_fixture.py
"""

import base64
import json
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import dequantize, quantize


def encode(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def weights(random: np.random.Generator) -> np.ndarray:
    rows = [random.normal(0, scale, 64) for scale in (1, 0.02, 1e-4, 300, 3e-7, 1e-9)]
    rows.append(random.uniform(-1, 1, 64).round(1))  # ties for the largest magnitude
    rows.append(np.zeros(64))
    rows.append(np.concatenate([np.full(32, 0.75), np.full(32, -0.75)]))
    rows.append(np.concatenate([np.arange(-16, 16) / 8, np.arange(32) * 1.27]))
    rows.append(np.concatenate([[1e5], random.normal(0, 1, 31), random.normal(0, 1, 32) * 1e-3]))
    return np.asarray(rows, dtype=np.float32)


def main() -> None:
    random = np.random.default_rng(20)
    data = weights(random)
    fixture: dict[str, object] = {"rows": data.shape[0], "cols": data.shape[1], "data": encode(data)}
    for name in ("Q8_0", "Q4_0"):
        kind = gguf.GGMLQuantizationType[name]
        blocks = quantize(data, kind)
        fixture[name.lower()] = {"blocks": encode(blocks), "values": encode(dequantize(blocks, kind))}

    exponents = 2.0 ** random.uniform(-27, 17, 1500)
    normal = (random.choice([-1, 1], 1500) * exponents).astype(np.float32)
    every_half = np.arange(0, 0x7C00, 97, dtype=np.uint16).view(np.float16).astype(np.float32)
    above = np.arange(97, 0x7C00 + 97, 97, dtype=np.uint16)[: every_half.size]
    ties = ((every_half.astype(np.float64) + (above - 96).view(np.float16)) / 2).astype(np.float32)
    edges = np.asarray([0, -0.0, 65504, 65519.996, 65520, 7e4, 2**-24, 2**-25, 1.0000001 * 2**-25, 2**-14, 6e-5, 1e-45], dtype=np.float32)
    singles = np.concatenate([normal, every_half, ties, -ties, edges]).astype(np.float32)
    with np.errstate(over="ignore"):
        fixture["halves"] = {"singles": encode(singles), "bits": encode(singles.astype(np.float16))}
    Path(__file__).with_name("gguf_quants.json").write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()
