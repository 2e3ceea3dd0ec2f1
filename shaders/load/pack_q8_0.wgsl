// q8_0 from any float, as ggml's reference rounds: d = max|x| / 127, q = x·(1 / d) rounded half away from zero, against the f32 d.
const NAN_SCALE = 0x7e00u; // of a block that holds NaN or infinity, so that none of it passes for a number

fn quantised(x: u32, inverse: f32) -> u32 {
  let value = bitcast<f32>(x) * inverse;
  let truncated = trunc(abs(value));
  let q = min(127.0, truncated + select(0.0, 1.0, abs(value) - truncated >= 0.5));
  return bitcast<u32>(i32(select(q, -q, value < 0.0))) & 0xffu;
}

// Writes a block's integers, gives the f16 bits of its scale.
fn pack_block(block: u32, row: u32, column: u32) -> u32 {
  var largest = 0u; // bits of positive floats are ordered as the floats are
  for (var j = 0u; j < 32u; j++) { largest = max(largest, element(row, column + j) & 0x7fffffffu); }
  let scale = quotient_127(largest);
  var inverse = 0.0;
  if (scale > 0.0) { inverse = reciprocal(scale); }
  for (var word = 0u; word < 8u; word++) {
    var packed = 0u;
    for (var j = 0u; j < 4u; j++) {
      packed |= quantised(element(row, column + 4u * word + j), inverse) << (8u * j);
    }
    matrix[block * 8u + word] = packed;
  }
  return select(half_bits(bitcast<u32>(scale)), NAN_SCALE, largest >= 0x7f800000u);
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
