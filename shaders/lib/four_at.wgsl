// Four floats that begin at float `at` of an array of vec4, from the vec4 `at / 4` and the one behind it.
fn four_at(low: vec4f, high: vec4f, at: u32) -> vec4f {
  let half = select(low, vec4f(low.zw, high.xy), (at & 2u) != 0u);
  let next = select(high.x, high.z, (at & 2u) != 0u);
  return select(half, vec4f(half.yzw, next), (at & 1u) != 0u);
}
