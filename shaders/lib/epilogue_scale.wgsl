// A·x of adapters: each rank is scaled by α/r and by its adapter's scale for this row. The table lies behind the weights, two
// words a rank: adapter, then α/r.
fn epilogue(value: f32, i: u32, out: u32) -> f32 {
  let at = p.w_scales + 2u * (p.w_row + out);
  let fixed = bitcast<f32>(w[(at + 1u) / 4u][(at + 1u) % 4u]);
  return value * fixed * adapter_scale(input_row(i), w[at / 4u][at % 4u]);
}
