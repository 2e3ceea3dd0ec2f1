// Derivatives of the activations (see lib/activations.wgsl); ACTIVATION says which.
fn sigmoid(v: f32) -> f32 { return 1.0 / (1.0 + exp(-v)); }

fn slope(v: f32) -> f32 {
  switch (ACTIVATION) {
    case 0u: { // silu: σ(v)·(1 + v·(1 − σ(v)))
      let s = sigmoid(v);
      return s * (1.0 + v * (1.0 - s));
    }
    case 1u: { // gelu: Φ(v) + v·φ(v)
      return 0.5 * (1.0 + erf(v * 0.7071067811865476)) + v * 0.3989422804014327 * exp(-0.5 * v * v);
    }
    case 2u: { // gelu_tanh
      let t = tanh(clamp(0.7978845608028654 * (v + 0.044715 * v * v * v), -10.0, 10.0));
      return 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * v * v);
    }
    case 3u: { // gelu_sigmoid: v·σ(1.702·v)
      let s = sigmoid(1.702 * v);
      return s * (1.0 + 1.702 * v * (1.0 - s));
    }
    case 4u: { return select(0.0, 1.0, v > 0.0); } // relu
    case 5u: { return 2.0 * max(v, 0.0); } // relu_squared
    default: { // sigmoid
      let s = sigmoid(v);
      return s * (1.0 - s);
    }
  }
}
