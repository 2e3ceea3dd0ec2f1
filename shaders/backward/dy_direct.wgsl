// Every thread loads the gradients it multiplies by.
const HELD = 1u;
struct Invocation {
  @builtin(local_invocation_id) id: vec3u,
}
fn load_gradients(at: Starts, o0: u32, invocation: Invocation) -> Gradients { return read_gradients(at, o0); }
fn gradients(loaded: Gradients, held: u32, invocation: Invocation) -> Gradients { return loaded; }
