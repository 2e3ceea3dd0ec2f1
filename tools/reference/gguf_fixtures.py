"""Writes tests/fixtures/gguf/: what the `gguf` package makes of quantised blocks.

dequantise.json: per type the values of two blocks, and the SHA-256 of the f32 values of many more, in which every bit
pattern of each float16 scale occurs. Blocks are bytes of a counter-based generator that a test can repeat: word i of a
type is mix(i + id * 0x9E3779B9), mix being the finaliser of MurmurHash3; scale s of block b is then overwritten with
(b * STRIDES[s]) mod 65536. NaNs are made 0x7FC00000 before hashing, as languages differ in their payloads.
"""

import base64
import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

OUT = Path(__file__).resolve().parents[2] / "tests/fixtures/gguf"
BLOCKS = 65536
STRIDES = (1, 40503)

# Byte offsets of the float16 scales within a block.
SCALES = {
    Type.F32: (),
    Type.F16: (0,),
    Type.BF16: (0,),
    Type.Q8_0: (0,),
    Type.Q4_0: (0,),
    Type.Q4_1: (0, 2),
    Type.Q5_0: (0,),
    Type.Q5_1: (0, 2),
    Type.Q2_K: (80, 82),
    Type.Q3_K: (108,),
    Type.Q4_K: (0, 2),
    Type.Q5_K: (0, 2),
    Type.Q6_K: (208,),
    Type.IQ4_NL: (0,),
    Type.IQ4_XS: (0,),
    Type.MXFP4: (),
}


def mix(words: np.ndarray) -> np.ndarray:
    words = words.astype(np.uint32)
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words


def blocks_of(kind: Type) -> np.ndarray:
    """[BLOCKS, bytes of a block]"""
    size = gguf.GGML_QUANT_SIZES[kind][1]
    count = -(-BLOCKS * size // 4)
    words = mix(np.arange(count, dtype=np.uint32) + np.uint32(int(kind) * 0x9E3779B9 & 0xFFFFFFFF))
    blocks = words.view(np.uint8)[: BLOCKS * size].reshape(BLOCKS, size).copy()
    for at, stride in zip(SCALES[kind], STRIDES):
        scales = (np.arange(BLOCKS, dtype=np.uint32) * np.uint32(stride) & np.uint32(0xFFFF)).astype("<u2")
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(BLOCKS, 2)
    return blocks


def record(kind: Type) -> dict:
    blocks = blocks_of(kind)
    with np.errstate(all="ignore"):
        values = gguf.dequantize(blocks, kind).astype(np.float32).reshape(BLOCKS, -1)
    bits = values.view(np.uint32).copy()
    bits[np.isnan(values)] = 0x7FC00000
    first = bits[[15360, 48128]]  # float16 scales 1 and -1
    return {
        "type": kind.name,
        "id": int(kind),
        "blockBytes": blocks.shape[1],
        "scales": SCALES[kind],
        "blocks": [15360, 48128],
        "values": base64.b64encode(first.astype("<u4").tobytes()).decode(),
        "sha256": hashlib.sha256(bits.astype("<u4").tobytes()).hexdigest(),
    }


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    fixture = {"blocks": BLOCKS, "strides": STRIDES, "types": [record(kind) for kind in SCALES]}
    (OUT / "dequantise.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
