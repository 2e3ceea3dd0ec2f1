// Staged numbers as f32 bits, from f16. Exact, by integers: arithmetic may flush what is subnormal.
fn staged_bits(i: u32) -> u32 {
  let bits = (staged[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
  let sign = (bits & 0x8000u) << 16u;
  let exponent = bits & 0x7c00u;
  let fraction = bits & 0x3ffu;
  if (exponent == 0x7c00u) { return sign | 0x7f800000u | (fraction << 13u); }
  if (exponent != 0u) { return sign | (((bits & 0x7fffu) << 13u) + 0x38000000u); }
  if (fraction == 0u) { return sign; }
  let shift = countLeadingZeros(fraction) - 21u; // until the leading bit stands where an implicit one would
  return sign | ((113u - shift) << 23u) | (((fraction << shift) & 0x3ffu) << 13u);
}
