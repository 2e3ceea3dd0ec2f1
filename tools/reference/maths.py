"""Elementwise functions and norms in float64."""

import math

import numpy as np

Steps = dict[str, np.ndarray]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def silu(x: np.ndarray) -> np.ndarray:
    return x * sigmoid(x)


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    """GPT-2's GELU (`gelu_new`), Hendrycks & Gimpel 2016, eq. 2."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu(x: np.ndarray) -> np.ndarray:
    """x times the normal distribution's integral up to x."""
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def soft_cap(x: np.ndarray, cap: float | None) -> np.ndarray:
    """cap * tanh(x / cap), Gemma 2; x itself without a cap."""
    return x if cap is None else cap * np.tanh(x / cap)


ACTIVATIONS = {
    "silu": silu,
    "gelu": gelu,
    "relu": relu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
}


def rms_norm(x: np.ndarray, weight: np.ndarray | float, eps: float) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) * weight


def layer_norm(x: np.ndarray, weight: np.ndarray | float, bias: np.ndarray | float, eps: float) -> np.ndarray:
    return rms_norm(x - x.mean(axis=-1, keepdims=True), weight, eps) + bias
