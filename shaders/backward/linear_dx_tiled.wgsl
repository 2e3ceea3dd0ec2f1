// The same product as linear_dx.wgsl in tiles of workgroup memory.
//   grid: ⌈k / 32⌉ × ⌈rows / 32⌉ workgroups of 8×8 threads; a thread makes 4 rows of 4 columns, outputs advance by 32
struct Params {
  k: u32,
  units: u32,
  n: u32,
  w_row: u32,
  w_stride: u32,
  w_scales: u32,
  w_high: u32,
  w_super: u32,
  dy_stride: u32,
  dy_offset: u32,
  ranks: u32,
  a_row: u32,
  a_stride: u32,
}
const TILE = 32u;

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read> du: array<f32>;
@group(0) @binding(6) var<storage, read> a: array<f32>;
@group(0) @binding(7) var<storage, read> onto: array<f32>;

var<workgroup> dy_tile: array<array<f32, 33>, TILE>; // [rows, outputs], a column apart so that rows lie in other banks
var<workgroup> w_tile: array<array<vec4f, 8>, TILE>; // [outputs, columns / 4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let first4 = group.x * 8u;
  let row0 = group.y * TILE;
  if (row0 >= rows_active()) { return; }
  let ty = (index / 8u) * 4u;
  let tx = index % 8u;
  var acc: array<vec4f, 4>;
  for (var o0 = 0u; o0 < p.n; o0 += TILE) {
    for (var i = index; i < TILE * TILE; i += 64u) {
      let line = i / TILE;
      let o = o0 + i % TILE;
      var value = 0.0;
      if (row0 + line < rows_active() && o < p.n) { value = dy[(row0 + line) * p.dy_stride + p.dy_offset + o]; }
      dy_tile[line][i % TILE] = value;
    }
    for (var i = index; i < TILE * 8u; i += 64u) {
      let o = o0 + i / 8u;
      let k4 = first4 + i % 8u;
      var value = vec4f();
      if (o < p.n && k4 * 4u < p.k) { value = weight4(p.w_row + o, k4); }
      w_tile[i / 8u][i % 8u] = value;
    }
    workgroupBarrier();
    for (var o = 0u; o < TILE; o++) {
      let w4 = w_tile[o][tx];
      for (var i = 0u; i < 4u; i++) { acc[i] += w4 * dy_tile[ty + i][o]; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u && row0 + ty + i < rows_active(); i++) {
    let first = (first4 + tx) * 4u;
    for (var j = 0u; j < 4u && first + j < p.k; j++) { epilogue(acc[i][j], row0 + ty + i, first + j); }
  }
}
