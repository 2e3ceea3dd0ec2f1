// How a workgroup shares a product: not at all. Every thread goes along all of k for outputs of its own: no barrier and no
// workgroup memory, which is what CPU adapters pay for, and a weight row stays with one core's cache.
struct Invocation {
  @builtin(local_invocation_index) index: u32,
}
const REDUCERS = 1u;
fn reduction_index(group: u32, invocation: Invocation) -> u32 { return group * WORKGROUP + invocation.index; }
fn reduction_begin(invocation: Invocation) -> u32 { return 0u; }
fn reduction_step(invocation: Invocation) -> u32 { return REDUCERS; }
fn reduction_sum(value: vec4f, invocation: Invocation) -> vec4f { return value; }
