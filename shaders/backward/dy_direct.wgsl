// Every thread loads the gradients it multiplies by.
const HELD = 1u;
struct Invocation {
  @builtin(local_invocation_id) id: vec3u,
}
fn load_gradients(o0: u32, invocation: Invocation) {}
fn gradient(i: u32, o0: u32, held: u32, invocation: Invocation) -> f32 { return dy[dy_at[i] + o0]; }
