// q2_K: super-blocks of 256 as sixteen sub-blocks of 16 two-bit integers, each with a four-bit scale and minimum;
// weight = (d·sc)·q − dmin·m. A unit is two sub-blocks.
// Its scales (low nibbles) and minima are half a word of the plane from word p.w_scales; d (low) and dmin share a word of the plane
// from word p.w_super.
const UNIT4 = 8u;
const SCALES = 2u;
const ZERO = 0.0;
const MINIMA = true;
const HEAD_UNITS = 8u;
fn head_at(row: u32, unit: u32) -> Head {
  let block = unit_index(row, unit) / 8u;
  return Head(w[p.w_scales / 4u + block], unpack2x16float(word_at(p.w_super + block)));
}
fn unit_at(head: Head, row: u32, unit: u32) -> Unit {
  let bytes = vec2u(head.words[unit / 2u % 4u]) >> (vec2u(0u, 8u) + 16u * (unit % 2u));
  let scales = head.pair.x * vec2f(bytes & vec2u(0xfu));
  let minima = -head.pair.y * vec2f((bytes >> vec2u(4u)) & vec2u(0xfu));
  return Unit(quants_at(unit_index(row, unit)), vec2u(), scales, minima);
}
fn level4(unit: Unit, part: u32) -> vec4f { return vec4f(unpack4xU8(crumbs(unit.quants.xy, part))); }
