// Staged numbers as f32 bits, from f64, rounded to nearest even; what f32 holds as subnormal becomes zero.
fn staged_bits(i: u32) -> u32 {
  let low = staged[2u * i];
  let high = staged[2u * i + 1u];
  let sign = high & 0x80000000u;
  let exponent = (high >> 20u) & 0x7ffu;
  let fraction = ((high & 0xfffffu) << 3u) | (low >> 29u);
  if (exponent == 0x7ffu) {
    let nan = (high & 0xfffffu) != 0u || low != 0u;
    return sign | 0x7f800000u | select(0u, 0x400000u | fraction, nan);
  }
  if (exponent <= 896u) { return sign; }
  let rest = low & 0x1fffffffu;
  let up = rest > 0x10000000u || (rest == 0x10000000u && (fraction & 1u) == 1u);
  // A carry out of the fraction raises the exponent, up to infinity.
  let magnitude = ((exponent - 896u) << 23u) + fraction + select(0u, 1u, up);
  return sign | select(0x7f800000u, magnitude, exponent < 1151u);
}
