// Back through s = c·tanh(x / c): dx = ds·(1 − (s / c)²) for the positions that a row sees, else 0
//   ds, s, dx [heads, rows, positions]
//   grid: ⌈positions / WORKGROUP⌉ × rows × heads
struct Params {
  rows: u32,
  positions: u32,
  softcap: f32,
  window: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> ds: array<f32>;
@group(0) @binding(3) var<storage, read> s: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (row >= row_count() || id.x >= p.positions) { return; }
  let at = (id.z * p.rows + row) * p.positions + id.x;
  let begin = text_begin(row);
  var value = 0.0;
  if (id.x >= first_seen(row) - begin && id.x <= row - begin) {
    let ratio = s[at] / p.softcap;
    value = ds[at] * (1.0 - ratio * ratio);
  }
  dx[at] = value;
}
