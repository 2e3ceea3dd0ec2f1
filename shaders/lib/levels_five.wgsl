// Levels 0 to 31: nibbles, and the fifth bit of weight 4·part + b at bit 8·b + part of the unit's word of high bits.
fn level4(unit: Unit, part: u32) -> vec4f {
  let high = unit.high.x;
  let fifth = select(high << (4u - part % 4u), high >> (part % 4u), part >= 4u) & 0x10101010u;
  return vec4f(unpack4xU8(nibbles(unit.quants, part) | fifth));
}
