// y[r, h, d] = scale·Σ m·x over one side of the square m [heads, rows, positions]: sums_seen over what a row sees, sums_seers over the
// rows that see it
//   x, y [rows, heads or kvHeads · headDim]
//   grid: ⌈heads of y · ⌈headDim / 4⌉ / WORKGROUP⌉ × ⌈rows / 4⌉; a thread takes 4 rows and 4 dimensions, so that nothing is shared
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  positions: u32,
  rows: u32,
  scale: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> m: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Four dimensions of x from `at` on; those past a head's end repeat its last one and are not written.
fn values_at(at: u32, d0: u32) -> vec4f {
  var values = vec4f();
  for (var k = 0u; k < 4u; k++) { values[k] = x[at + min(d0 + k, p.head_dim - 1u)]; }
  return values;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let parts = (p.head_dim + 3u) / 4u;
  let row0 = id.y * 4u;
  let count = row_count();
  if (id.x >= own_heads() * parts || row0 >= count) { return; }
  let head = id.x / parts;
  let d0 = id.x % parts * 4u;
  let acc = summed(head, d0, row0, count);
  for (var i = 0u; i < 4u && row0 + i < count; i++) {
    for (var k = 0u; k < 4u && d0 + k < p.head_dim; k++) {
      y[((row0 + i) * own_heads() + head) * p.head_dim + d0 + k] = p.scale * acc[i][k];
    }
  }
}
