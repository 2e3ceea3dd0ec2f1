// What kernels ask of weights, whatever their format. The format's own file says:
//   UNIT4       vec4 of weights in one unit, which is what is loaded at once
//   SCALES      scales of a unit, each for as many of its parts; 0: levels are the weights
//   ZERO        weight = (level − ZERO)·scale; where MINIMA, weight = level·scale + minimum
//   HEAD_UNITS  units that share what head_at loads (head_none: there is nothing to share)
//   unit_at     one unit of a row; level4: four of its weights before they are scaled
struct Head {
  words: vec4u,
  pair: vec2f,
}
struct Unit {
  quants: vec4u,
  high: vec2u,   // bits that the quants have no room for
  scales: vec2f,
  minima: vec2f,
}
const OFFSETS = MINIMA || ZERO != 0.0; // weight = level·scale + offset
fn word_at(at: u32) -> u32 { return w[at / 4u][at % 4u]; }
// Number i of the f16 from a word on.
fn half_at(word: u32, i: u32) -> f32 {
  let pair = unpack2x16float(word_at(word + i / 2u));
  return select(pair.x, pair.y, (i & 1u) == 1u);
}
// Nibbles of four weights: byte j of a unit of 32 holds weight j in its low and weight j + 16 in its high nibble.
fn nibbles(quants: vec4u, part: u32) -> u32 { return (quants[part % 4u] >> select(0u, 4u, part >= 4u)) & 0x0f0f0f0fu; }
fn second(side: u32) -> bool { return SCALES == 2u && side == 1u; }
fn scale_of(unit: Unit, side: u32) -> f32 { return select(unit.scales.x, unit.scales.y, second(side)); }
fn offset_of(unit: Unit, side: u32) -> f32 {
  if (MINIMA) { return select(unit.minima.x, unit.minima.y, second(side)); }
  return -ZERO * scale_of(unit, side);
}
fn weight4(row: u32, k4: u32) -> vec4f {
  let unit = k4 / UNIT4;
  return unit4(unit_at(head_at(row, unit), row, unit), k4 % UNIT4);
}
