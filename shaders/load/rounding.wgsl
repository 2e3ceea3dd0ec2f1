// Rounding to nearest even by integers, on bits of f32: WGSL leaves the rounding of pack2x16float and of a quotient open.

// f16 bits. From 65520 on infinity; NaN stays NaN.
fn half_bits(x: u32) -> u32 {
  let sign = (x >> 16u) & 0x8000u;
  let magnitude = x & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }
  if (magnitude >= 0x38800000u) {
    return sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u);
  }
  // Below 2^-14 in steps of 2^-24; up to half a step, 2^-25, is zero.
  if (magnitude <= 0x33000000u) { return sign; }
  let shift = 126u - (magnitude >> 23u);
  let fraction = (magnitude & 0x7fffffu) | 0x800000u;
  let odd = (fraction >> shift) & 1u;
  return sign | ((fraction + (1u << (shift - 1u)) - 1u + odd) >> shift);
}

// bf16 bits.
fn bfloat_bits(x: u32) -> u32 {
  if ((x & 0x7fffffffu) > 0x7f800000u) { return (x >> 16u) | 0x40u; }
  return (x + 0x7fffu + ((x >> 16u) & 1u)) >> 16u;
}

// x / 127 for the bits of a positive x ≥ 2^-118; below that 0, which is its f16.
fn quotient_127(x: u32) -> f32 {
  if (x < 0x04800000u || x >= 0x7f800000u) { return 0.0; }
  let scaled = ((x & 0x7fffffu) | 0x800000u) << 7u; // x·2^k, of 31 bits
  var exponent = x >> 23u; // of the result's leading bit, before it is known to stand one lower
  var quotient = scaled / 127u;
  var rest = scaled % 127u;
  var up = 2u * rest > 127u;
  if (quotient >= 0x1000000u) {
    up = (quotient & 1u) == 1u && (rest > 0u || (quotient & 2u) == 2u);
    quotient >>= 1u;
    exponent += 1u;
  }
  return bitcast<f32>(((exponent - 7u) << 23u) + (quotient - 0x800000u) + select(0u, 1u, up));
}

// 1 / x for a normal x of at most 2^126.
fn reciprocal(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let fraction = (bits & 0x7fffffu) | 0x800000u;
  let sign = bits & 0x80000000u;
  let exponent = (bits >> 23u) & 0xffu;
  if (fraction == 0x800000u) { return bitcast<f32>(sign | ((254u - exponent) << 23u)); }
  // The divider of the device is near: what it is off by shows in the low 32 bits of 2^47 − y·fraction.
  var y = u32(bitcast<f32>((127u + 47u) << 23u) / f32(fraction));
  var rest = bitcast<i32>(0u - y * fraction);
  while (rest < 0) {
    y -= 1u;
    rest += i32(fraction);
  }
  while (rest >= i32(fraction)) {
    y += 1u;
    rest -= i32(fraction);
  }
  let up = select(0u, 1u, 2 * rest > i32(fraction));
  return bitcast<f32>(sign | (((253u - exponent) << 23u) + (y - 0x800000u) + up));
}
