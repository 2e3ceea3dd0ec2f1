// f16 weights with shader-f16: one vec4<u32> is eight weights. Rows are padded to 8.
fn weight4(row: u32, k4: u32) -> vec4f {
  let pack = w[row * p.w_stride + k4 / 2u];
  let half = select(pack.xy, pack.zw, (k4 & 1u) == 1u);
  return vec4f(bitcast<vec4<f16>>(half));
}
