// All threads multiply by the same gradients: each of four neighbours loads another output's and the others take it. Subgroups have
// at least 4 threads.
const HELD = 4u;
struct Invocation {
  @builtin(subgroup_invocation_id) id: u32,
}
fn load_gradients(at: Starts, o0: u32, invocation: Invocation) -> Gradients {
  return read_gradients(at, min(o0 + (invocation.id & 3u), p.n - 1u));
}
fn gradients(loaded: Gradients, held: u32, invocation: Invocation) -> Gradients {
  let neighbour = (invocation.id & ~3u) + held;
  return Gradients(subgroupShuffle(loaded.low, neighbour), subgroupShuffle(loaded.high, neighbour));
}
