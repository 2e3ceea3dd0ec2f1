"""Random blocks of every ggml type with what gguf's Python package makes of them, and floats with what it quantises them to.

    python tools/reference/block_fixtures.py

writes tests/fixtures/blocks/{blocks.json,blocks.bin}. Of every type there are blocks with random bytes whose f16 scales run through
zeros, subnormals, ordinary numbers, the largest ones, infinities and NaN; of mxfp4 every exponent. Values are float32 bits as gguf gives them.
"""

import json
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/fixtures/blocks"

# Bytes of a block where f16 scales stand.
SCALES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.IQ4_NL: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_XS: [0], T.MXFP4: [],
}  # fmt: skip
SPECIAL = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0xFE01]


def random_blocks(kind: T, count: int, rng: np.random.Generator) -> np.ndarray:
    """[count, bytes of a block]"""
    blocks = rng.integers(0, 256, (count, GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for n, at in enumerate(SCALES[kind]):
        scales = rng.integers(0, 1 << 16, count, dtype=np.uint16)
        ordinary = rng.random(count) < 0.5
        scales[ordinary] = (rng.standard_normal(int(ordinary.sum())) * 0.05).astype(np.float16).view(np.uint16)
        scales[: len(SPECIAL)] = np.roll(SPECIAL, n * 3)
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    if kind == T.MXFP4:
        blocks[:, 0] = np.arange(count) % 256
    return blocks


def block_case(kind: T, rng: np.random.Generator) -> tuple[dict, np.ndarray, np.ndarray]:
    block = GGML_QUANT_SIZES[kind][0]
    cols = {32: 96, 256: 512}[block]
    rows = {T.MXFP4: 86}.get(kind, 11 if block == 32 else 9)
    blocks = random_blocks(kind, rows * cols // block, rng)
    with np.errstate(all="ignore"):
        values = quants.dequantize(blocks.reshape(rows, -1), kind)
    name = kind.name.lower()
    return {"format": name, "rows": rows, "cols": cols}, blocks.reshape(-1), values.astype(np.float32).reshape(-1)


def floats_to_quantise(rng: np.random.Generator) -> np.ndarray:
    """[rows, 96]: ordinary rows, rows of zeros, ties, single outliers, tiny and large ones."""
    x = rng.standard_normal((41, 96)).astype(np.float32)
    x[1] = 0
    x[2] = np.float32(0.5) * rng.integers(-254, 255, 96)
    x[3] = rng.integers(-8, 9, 96)
    x[4, 5] = 800
    x[5] *= np.float32(1e-6)
    x[6] *= np.float32(1e-9)
    x[7] *= np.float32(3e4)
    x[8] = -np.abs(x[8])
    x[9, :32] = x[9, 0]
    x[10] = 127 * rng.choice([-1, 1], 96) * rng.random(96).round(2)
    x[11] *= np.float32(1e-30)
    x[12:20] = x[12:20].astype(np.float16)
    x[20:30] = (x[20:30].view(np.uint32) & 0xFFFF0000).view(np.float32)
    return x


def main() -> None:
    rng = np.random.default_rng(12)
    parts: list[bytes] = []
    at = 0

    def put(array: np.ndarray) -> list[int]:
        nonlocal at
        data = array.tobytes()
        data += b"\0" * (-len(data) % 4)
        parts.append(data)
        at += len(data)
        return [at - len(data), array.nbytes]

    cases = []
    for kind in SCALES:
        case, blocks, values = block_case(kind, rng)
        cases.append({**case, "blocks": put(blocks), "values": put(values)})
    x = floats_to_quantise(rng)
    packs = []
    for kind in (T.Q8_0, T.Q4_0, T.BF16, T.F16):
        with np.errstate(all="ignore"):
            stored = quants.quantize(x, kind)
        packs.append({"format": kind.name.lower(), "blocks": put(np.ascontiguousarray(stored))})
    OUT.mkdir(parents=True, exist_ok=True)
    floats = {"rows": x.shape[0], "cols": x.shape[1], "data": put(x)}
    (OUT / "blocks.json").write_text(json.dumps({"cases": cases, "floats": floats, "packs": packs}, indent=2) + "\n")
    (OUT / "blocks.bin").write_bytes(b"".join(parts))


if __name__ == "__main__":
    main()
