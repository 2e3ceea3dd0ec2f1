// q4_0 from any float, as ggml's reference rounds: d = the x of largest magnitude / −8, q = ⌊x·(1 / d) + 8.5⌋ in 0 to 15.
const NAN_SCALE = 0x7e00u; // of a block that holds NaN or infinity, so that none of it passes for a number

fn quantised(x: u32, inverse: f32) -> u32 {
  // The product is rounded before the sum: compilers cannot join them over what p.zero might be.
  let value = bitcast<f32>(bitcast<u32>(bitcast<f32>(x) * inverse) ^ p.zero) + 8.5;
  return u32(clamp(value, 0.0, 15.0));
}

// Writes a block's integers, gives the f16 bits of its scale.
fn pack_block(block: u32, row: u32, column: u32) -> u32 {
  var extreme = 0u; // the first of largest magnitude, with its sign
  for (var j = 0u; j < 32u; j++) {
    let x = element(row, column + j);
    extreme = select(extreme, x, (x & 0x7fffffffu) > (extreme & 0x7fffffffu));
  }
  let magnitude = extreme & 0x7fffffffu;
  var scale = (extreme ^ 0x80000000u) & 0x80000000u; // magnitudes below 2^-118 are 0 in f16
  var inverse = 0.0;
  if (magnitude >= 0x04800000u && magnitude < 0x7f800000u) {
    scale = (extreme ^ 0x80000000u) - (3u << 23u);
    inverse = reciprocal(bitcast<f32>(scale));
  }
  for (var word = 0u; word < 4u; word++) {
    var packed = 0u;
    for (var j = 0u; j < 4u; j++) {
      let low = quantised(element(row, column + 4u * word + j), inverse);
      let high = quantised(element(row, column + 4u * word + j + 16u), inverse);
      packed |= (low | (high << 4u)) << (8u * j);
    }
    matrix[block * 4u + word] = packed;
  }
  return select(half_bits(scale), NAN_SCALE, magnitude >= 0x7f800000u);
}

// Two blocks a thread, because two scales share a word. A word's other scale stays.
fn pack(pair: u32) {
  for (var i = 0u; i < 2u; i++) {
    let block = pair * 2u + i;
    if (block - p.first >= p.count) { continue; }
    let scale = pack_block(block, block / p.row_blocks, block % p.row_blocks * 32u);
    let at = p.w_scales + pair;
    matrix[at] = (matrix[at] & (0xffff0000u >> (16u * i))) | (scale << (16u * i));
  }
}
