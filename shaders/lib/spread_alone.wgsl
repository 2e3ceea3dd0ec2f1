// How a workgroup shares a product: not at all. Every thread goes along all of k for outputs of its own: no barrier and no
// workgroup memory, which is what CPU adapters pay for, and a weight row stays with one core's cache.
struct Lane {
  @builtin(local_invocation_index) index: u32,
}
const SPREAD = 1u;
fn spread_index(group: u32, lane: Lane) -> u32 { return group * WORKGROUP + lane.index; }
fn spread_begin(lane: Lane) -> u32 { return 0u; }
fn spread_step(lane: Lane) -> u32 { return SPREAD; }
fn spread_sum(value: vec4f, lane: Lane) -> vec4f { return value; }
