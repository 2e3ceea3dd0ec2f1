// Whether rows of a matrix hold NaN or infinity, exactly as kernels see their weights.
//   w [rows, k] in any weight format, flags: a word a parameter, 1 where something is not finite
//   grid: a thread for each of count·⌈k / 32⌉ runs of 32 weights, in two dimensions
struct Params {
  k4: u32,        // ⌈k / 4⌉
  w_row: u32,     // first row of w
  count: u32,
  at: u32,        // the parameter's word
  w_stride: u32,
  w_scales: u32,
  w_high: u32,
  w_super: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> flags: array<atomic<u32>>;

const RUN = 8u; // vec4 of weights a thread

fn overflows(bits: vec4u) -> bool { return any((bits & vec4u(0x7f800000u)) == vec4u(0x7f800000u)); }

// Integers are finite, and so are weights where their scales are, with room for the largest integer: most units need no more.
fn is_safe(unit: Unit) -> bool {
  if (FLOATS == 1u) { return false; }
  let sums = vec4f(abs(unit.scales) * 512.0 + abs(unit.minima), unit.scales);
  return !overflows(bitcast<vec4u>(sums));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  let runs = (p.k4 + RUN - 1u) / RUN;
  if (i >= p.count * runs) { return; }
  let row = p.w_row + i / runs;
  let first = i % runs * RUN;
  var bad = false;
  for (var k = first; k < min(first + RUN, p.k4); k += UNIT4) {
    let unit = unit_at(head_at(row, k / UNIT4), row, k / UNIT4);
    if (is_safe(unit)) { continue; }
    for (var part = 0u; part < min(UNIT4, p.k4 - k); part++) {
      bad = bad || overflows(bitcast<vec4u>(unit4(unit, part)));
    }
  }
  if (bad) { atomicOr(&flags[p.at], 1u); }
}
