// Workgroup sums: within subgroups by subgroupAdd, across them through shared memory. No subgroup size is assumed, but
// subgroups are taken to be runs of consecutive invocations; the start-up self-test falls back where a device differs.
struct Invocation {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
}

var<workgroup> level: array<vec4f, WORKGROUP>;

// The sum over the workgroup, in every thread. Uniform control flow.
fn workgroup_sum(value: vec4f, invocation: Invocation) -> vec4f {
  let sum = subgroupAdd(value);
  if (invocation.subgroup_lane == 0u) { level[invocation.index / invocation.subgroup_size] = sum; }
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < (WORKGROUP + invocation.subgroup_size - 1u) / invocation.subgroup_size; i++) { total += level[i]; }
  workgroupBarrier();
  return total;
}
