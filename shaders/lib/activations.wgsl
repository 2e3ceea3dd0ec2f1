fn silu(v: f32) -> f32 { return v / (1.0 + exp(-v)); }

// tanh arguments are clamped: beyond ±10 tanh is ±1 in f32 and some drivers overflow.
fn gelu_tanh(v: f32) -> f32 {
  let t = clamp(0.7978845608028654 * (v + 0.044715 * v * v * v), -10.0, 10.0);
  return 0.5 * v * (1.0 + tanh(t));
}

// erf by W. J. Cody's rational form for |v| < 0.5 and Numerical Recipes' erfc (Chebyshev, 1.2e-7) beyond.
fn erf(v: f32) -> f32 {
  let z = abs(v);
  let t = 1.0 / (1.0 + 0.5 * z);
  let poly = -z * z - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let large = sign(v) * (1.0 - t * exp(poly));
  let s = v * v;
  let small = v * (1.1283791671 + s * (-0.3761263890 + s * (0.1128379167 + s * (-0.0268661706 + s * 0.0052239776))));
  return select(large, small, z < 0.5);
}
fn gelu_erf(v: f32) -> f32 { return 0.5 * v * (1.0 + erf(v * 0.7071067811865476)); }
