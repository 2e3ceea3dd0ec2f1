// q8_0: blocks of 32 int8 and one f16 scale. A row's quants are contiguous (two vec4<u32> a block); the scales of the
// whole matrix follow in their own plane from word p.w_scales, two f16 a word.
fn weight_scale(block: u32) -> f32 {
  let at = p.w_scales + block / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}

fn weight4(row: u32, k4: u32) -> vec4f {
  let word = w[row * p.w_stride + k4 / 4u][k4 % 4u];
  let quants = vec4f(unpack4xI8(word));
  return quants * weight_scale(row * (p.w_stride / 2u) + k4 / 8u);
}
