// Keys and values in q8_0, as they are written: rows as in lib/kv_q8_0.wgsl. Two blocks are a unit, because their scales share a word.
// d = max|x| / 127, q = x / d rounded half away from zero. What was written is left in x.
const UNIT4 = 16u; // vec4 that are written together
const KV_WORDS = DIM4 + (DIM4 + 15u) / 16u;
const NAN_SCALE = 0x7e00u; // of a block that holds NaN or infinity, so that none of it passes for a number
@group(0) @binding(10) var<storage, read_write> k_pages: array<u32>;
@group(0) @binding(11) var<storage, read_write> v_pages: array<u32>;

var<private> words: array<u32, UNIT4>;

// Quantises block i of the unit into words, gives the f16 bits of its scale.
fn quantise(i: u32, x: ptr<function, array<vec4f, UNIT4>>) -> u32 {
  var largest = vec4u(); // bits of positive floats are ordered as the floats are
  for (var j = 8u * i; j < 8u * i + 8u; j++) { largest = max(largest, bitcast<vec4u>((*x)[j]) & vec4u(0x7fffffffu)); }
  let peak = max(max(largest.x, largest.y), max(largest.z, largest.w));
  let scale = bitcast<f32>(peak) / 127.0;
  let half = select(pack2x16float(vec2f(scale, 0.0)), NAN_SCALE, peak >= 0x7f800000u);
  // 0, but no compiler knows: they take an unpacked pack for what it was before.
  let stored = unpack2x16float(half | (p.head_dim >> 31u)).x;
  for (var j = 8u * i; j < 8u * i + 8u; j++) {
    let value = select(vec4f(), (*x)[j] / scale, scale > 0.0);
    let q = vec4i(clamp(sign(value) * floor(abs(value) + 0.5), vec4f(-127.0), vec4f(127.0)));
    let bytes = bitcast<vec4u>(q) & vec4u(0xffu);
    words[j] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
    (*x)[j] = vec4f(q) * stored;
  }
  return half;
}

fn write_keys(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) {
  let scales = quantise(0u, x) | (quantise(1u, x) << 16u);
  let at = row * KV_WORDS;
  for (var j = 0u; j < min(UNIT4, DIM4 - unit * UNIT4); j++) { k_pages[at + unit * UNIT4 + j] = words[j]; }
  k_pages[at + DIM4 + unit] = scales;
}

fn write_values(row: u32, unit: u32, x: ptr<function, array<vec4f, UNIT4>>) {
  let scales = quantise(0u, x) | (quantise(1u, x) << 16u);
  let at = row * KV_WORDS;
  for (var j = 0u; j < min(UNIT4, DIM4 - unit * UNIT4); j++) { v_pages[at + unit * UNIT4 + j] = words[j]; }
  v_pages[at + DIM4 + unit] = scales;
}
