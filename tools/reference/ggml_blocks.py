"""ggml's q8_0 and q4_0 blocks: 32 weights of a row share one float16 scale. Written from the format's definition.

q8_0: d = max|x| / 127, q = round(x / d) in [-127, 127].
q4_0: d = (the x of largest magnitude) / -8, q = floor(x / d + 8.5) in [0, 15], value (q - 8) * d.
The quotient uses the float32 scale; only the stored scale is rounded to float16.
"""

import numpy as np

BLOCK = 32


def blocks_of(matrix: np.ndarray) -> np.ndarray:
    """[rows, width] to [rows * width / 32, 32], float32. The width must be a multiple of 32."""
    if matrix.shape[-1] % BLOCK:
        raise ValueError(f"width {matrix.shape[-1]} is no multiple of {BLOCK}")
    return matrix.astype(np.float32).reshape(-1, BLOCK)


def inverse(scale: np.ndarray) -> np.ndarray:
    """1 / scale, and 0 for an all-zero block."""
    with np.errstate(divide="ignore"):
        return np.where(scale == 0, np.float32(0), np.float32(1) / scale)


def round_trip_q8_0(matrix: np.ndarray) -> np.ndarray:
    """The float64 values a q8_0 copy of the matrix stands for."""
    x = blocks_of(matrix)
    scale = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    scaled = x * inverse(scale)
    quants = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))  # halves away from zero, as C's roundf
    return (quants * scale.astype(np.float16).astype(np.float64)).reshape(matrix.shape)


def round_trip_q4_0(matrix: np.ndarray) -> np.ndarray:
    """The float64 values a q4_0 copy of the matrix stands for."""
    x = blocks_of(matrix)
    largest = np.take_along_axis(x, np.abs(x).argmax(axis=1)[:, None], axis=1)
    scale = largest / np.float32(-8)
    quants = np.minimum(np.trunc(x * inverse(scale) + np.float32(8.5)), 15)
    return ((quants - 8) * scale.astype(np.float16).astype(np.float64)).reshape(matrix.shape)


def round_trip(matrix: np.ndarray, weights: str) -> np.ndarray:
    """The values of a matrix [out, in] stored as `weights`; a width that is no multiple of 32 stays as it is."""
    if weights == "f32":
        return matrix
    if weights == "f16":
        return matrix.astype(np.float16).astype(np.float64)
    if matrix.shape[-1] % BLOCK:
        return matrix
    return {"q8_0": round_trip_q8_0, "q4_0": round_trip_q4_0}[weights](matrix)
