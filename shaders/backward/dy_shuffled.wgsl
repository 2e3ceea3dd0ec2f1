// All threads multiply by the same gradients: each of four neighbours loads another output's and the others take it. Subgroups have
// at least 4 threads.
const HELD = 4u;
struct Lane {
  @builtin(subgroup_invocation_id) id: u32,
}
var<private> holding: array<f32, ROWS>;
fn hold(o0: u32, lane: Lane) {
  let o = min(o0 + (lane.id & 3u), p.n - 1u);
  for (var i = 0u; i < ROWS; i++) { holding[i] = dy[dy_at[i] + o]; }
}
fn gradient(i: u32, o0: u32, held: u32, lane: Lane) -> f32 { return subgroupShuffle(holding[i], (lane.id & ~3u) + held); }
