// Every thread loads the gradients it multiplies by.
const HELD = 1u;
struct Lane {
  @builtin(local_invocation_id) id: vec3u,
}
fn hold(o0: u32, lane: Lane) {}
fn gradient(i: u32, o0: u32, held: u32, lane: Lane) -> f32 { return dy[dy_at[i] + o0]; }
