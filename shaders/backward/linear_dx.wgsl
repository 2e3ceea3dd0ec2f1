// dx[r, i] = Σₒ w[o, i]·dy[r, o] (+ Σⱼ a[j, i]·du[r, j]) (+ onto[r, i]): w is read as it lies, row by row
//   dy [rows, outputs], w [outputs, k] in any weight format, dx [rows, k], du [rows, ranks], a [ranks, k] of the adapters
//   ONTO: 0 starts from nothing, 1 from `onto`, 2 from dx itself (later shards of w). LOW_RANK: 1 adds the adapters' part.
//   grid: ⌈units of a row / WORKGROUP⌉ × ⌈rows / ROWS⌉; a thread takes one unit of columns and ROWS rows
struct Params {
  k: u32,
  units: u32,     // of a row of w
  n: u32,         // outputs of this dispatch
  w_row: u32,     // first row of w
  w_stride: u32,
  w_scales: u32,
  w_high: u32,
  w_super: u32,
  dy_stride: u32,
  dy_offset: u32, // first output of dy
  ranks: u32,
  a_row: u32,
  a_stride: u32,  // elements of a row of a
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read> du: array<f32>;
@group(0) @binding(6) var<storage, read> a: array<f32>;
@group(0) @binding(7) var<storage, read> onto: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let unit = id.x;
  let row0 = id.y * ROWS;
  if (unit >= p.units || row0 >= rows_active()) { return; }
  var acc: array<vec4f, ROWS * UNIT4>;
  var at: array<u32, ROWS>;
  for (var i = 0u; i < ROWS; i++) { at[i] = min(row0 + i, rows_active() - 1u) * p.dy_stride + p.dy_offset; }
  for (var o = 0u; o < p.n; o++) {
    let row = p.w_row + o;
    let weights = unit_at(head_at(row, unit), row, unit);
    for (var part = 0u; part < UNIT4; part++) {
      let w4 = unit4(weights, part);
      for (var i = 0u; i < ROWS; i++) { acc[part * ROWS + i] += w4 * dy[at[i] + o]; }
    }
  }
  for (var i = 0u; i < min(ROWS, rows_active() - row0); i++) {
    for (var part = 0u; part < UNIT4; part++) {
      let first = (unit * UNIT4 + part) * 4u;
      for (var j = 0u; j < 4u && first + j < p.k; j++) {
        finish(acc[part * ROWS + i][j], row0 + i, first + j);
      }
    }
  }
}
