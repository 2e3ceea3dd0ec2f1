// All threads multiply by the same gradients: each of four neighbours loads another output's and the others take it. Subgroups have
// at least 4 threads.
const HELD = 4u;
struct Invocation {
  @builtin(subgroup_invocation_id) id: u32,
}
var<private> loaded: array<f32, ROWS>;
fn load_gradients(o0: u32, invocation: Invocation) {
  let o = min(o0 + (invocation.id & 3u), p.n - 1u);
  for (var i = 0u; i < ROWS; i++) { loaded[i] = dy[dy_at[i] + o]; }
}
fn gradient(i: u32, o0: u32, held: u32, invocation: Invocation) -> f32 { return subgroupShuffle(loaded[i], (invocation.id & ~3u) + held); }
