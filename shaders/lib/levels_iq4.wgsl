// Sixteen levels that nibbles choose from, an int8 each: -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113.
const LEVELS = vec4u(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);
fn level4(unit: Unit, part: u32) -> vec4f {
  let n = unpack4xU8(nibbles(unit.quants, part));
  let odd = (n & vec4u(4u)) != vec4u(0u); // by selection: an array indexed by each weight would be read from memory
  let negative = select(vec4u(LEVELS.x), vec4u(LEVELS.y), odd);
  let positive = select(vec4u(LEVELS.z), vec4u(LEVELS.w), odd);
  let word = select(negative, positive, n >= vec4u(8u));
  return vec4f(bitcast<vec4i>(word << (24u - 8u * (n & vec4u(3u)))) >> vec4u(24u));
}
