// q4_0: blocks of 32 nibbles minus 8 and one f16 scale. Byte j of a block holds element j in its low and element j + 16 in
// its high nibble; a block is one vec4<u32>. Scales follow in their own plane from word p.w_scales, two f16 a word.
fn weight_scale(block: u32) -> f32 {
  let at = p.w_scales + block / 2u;
  let pair = unpack2x16float(w[at / 4u][at % 4u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}

fn weight4(row: u32, k4: u32) -> vec4f {
  let block = row * p.w_stride + k4 / 8u;
  let word = w[block][k4 % 4u];
  let nibbles = (word >> select(0u, 4u, (k4 & 4u) == 4u)) & 0x0f0f0f0fu;
  return (vec4f(unpack4xU8(nibbles)) - 8.0) * weight_scale(block);
}
