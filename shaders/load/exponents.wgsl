// Whether a plane holds an exponent of ones: where none does, all weights are finite.
//   Fields of WIDTH bits with an exponent at EXPONENT lie in the first of every EVERY words of the plane.
//   w: a matrix, flags: a word a parameter, 1 where there is such an exponent
//   grid: p.threads, in two dimensions, which take turns at p.count vec4 from vec4 p.first on
struct Params {
  first: u32,
  count: u32,
  at: u32,      // the parameter's word
  threads: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> flags: array<atomic<u32>>;

fn has_ones(words: vec4u) -> bool {
  var ones = vec4<bool>();
  for (var at = 0u; at < 32u; at += WIDTH) {
    let exponent = vec4u(EXPONENT << at);
    ones = ones | ((words & exponent) == exponent);
  }
  if (EVERY == 4u) { return ones.x; }
  if (EVERY == 2u) { return ones.x || ones.z; }
  return any(ones);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  if (i >= p.threads) { return; }
  var bad = false;
  for (var at = i; at < p.count; at += p.threads) { bad = bad || has_ones(w[p.first + at]); }
  if (bad) { atomicOr(&flags[p.at], 1u); }
}
