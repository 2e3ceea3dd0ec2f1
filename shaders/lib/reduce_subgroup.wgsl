// Workgroup sums: within subgroups by subgroupAdd, across them through shared memory. No subgroup size is assumed, but
// subgroups are taken to be runs of consecutive invocations; the start-up self-test falls back where a device differs.
struct Lane {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
}

var<workgroup> level: array<vec4f, WORKGROUP>;

// The sum over the workgroup, in every thread. Uniform control flow.
fn workgroup_sum(value: vec4f, lane: Lane) -> vec4f {
  let sum = subgroupAdd(value);
  if (lane.subgroup_lane == 0u) { level[lane.index / lane.subgroup_size] = sum; }
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < (WORKGROUP + lane.subgroup_size - 1u) / lane.subgroup_size; i++) { total += level[i]; }
  workgroupBarrier();
  return total;
}
