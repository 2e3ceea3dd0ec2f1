// RMSNorm:   y = x / √(mean(x²) + ε) ∘ g
// LayerNorm: y = (x − mean(x)) / √(var(x) + ε) ∘ g + b          (prologue provider)
//   x, y [rows, k], norm [k] (and bias [k]): a norm over each row; then stored, or added to the residual stream
//   (normed_store, normed_add; store provider)
//   grid: one workgroup a row (reduction_workgroup), or one thread a row (reduction_none)
struct Params {
  k: u32,
  k4: u32,
  eps: f32,
  norm_offset: f32, // added to the weight
  scale: f32,       // on what joins the residual stream
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;

var<private> current_row: u32;

fn inside(value: vec4f, k4: u32) -> vec4f {
  return select(vec4f(), value, vec4u(k4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.k));
}
fn x4(i: u32, k4: u32) -> vec4f {
  if (RAGGED == 0u) { return x[current_row * p.k4 + k4]; }
  let at = current_row * p.k + k4 * 4u;
  return inside(four_at(x[at / 4u], x[at / 4u + 1u], at), k4);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  let row = reduction_index(group.x, invocation);
  if (row >= row_count()) { return; }
  current_row = row;
  prologue_begin(invocation);
  // The fold of RMSNorm leaves its scale to the end: gather it, then write.
  for (var k4 = reduction_begin(invocation); k4 < p.k4; k4 += REDUCERS) { _ = prologue(x4(0u, k4), 0u, k4); }
  let scale = prologue_end(vec4f(1.0), 0u, invocation);
  for (var k4 = reduction_begin(invocation); k4 < p.k4; k4 += REDUCERS) {
    store4(current_row, k4, normed(prologue(x4(0u, k4), 0u, k4) * scale, current_row, k4));
  }
}
