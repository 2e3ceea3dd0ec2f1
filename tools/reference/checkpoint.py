"""Reads a Hugging Face checkpoint folder into float64 arrays, with its own safetensors reader (no torch)."""

import json
import struct
from pathlib import Path

import numpy as np

PLAIN_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "u1"}


def decode_tensor(raw: bytes, dtype: str, shape: list[int]) -> np.ndarray:
    """Little-endian bytes of one tensor to float64. bfloat16 is the upper half of a float32."""
    if dtype == "BF16":
        bits = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).astype(np.float64).reshape(shape)
    return np.frombuffer(raw, PLAIN_DTYPES[dtype]).astype(np.float64).reshape(shape)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """All tensors of one file, float64."""
    data = path.read_bytes()
    (header_size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + header_size])
    header.pop("__metadata__", None)
    body = data[8 + header_size :]
    return {
        name: decode_tensor(body[slice(*entry["data_offsets"])], entry["dtype"], entry["shape"])
        for name, entry in header.items()
    }


def read_checkpoint(folder: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """`config.json` and every tensor of a folder; shards are followed through the index."""
    config = json.loads((folder / "config.json").read_text())
    index = folder / "model.safetensors.index.json"
    if index.exists():
        files = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    else:
        files = ["model.safetensors"]
    tensors: dict[str, np.ndarray] = {}
    for name in files:
        tensors.update(read_safetensors(folder / name))
    return config, tensors
