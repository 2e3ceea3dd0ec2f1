// y[r, o] = Σₖ w[o, k]·x[r, k] + b[o], then epilogue          for many rows
//   x [rows, k], w [n, k] in any weight format, y [rows, n]
//   grid: ⌈n / 32⌉ × ⌈rows / 32⌉ workgroups of 8×8 threads; a thread makes 4×4 outputs, k advances by 32 through shared memory
struct Params {
  k: u32,
  k4: u32,
  n: u32,
  w_row: u32,
  w_stride: u32,
  w_scales: u32,
  w_bias: u32,
  x_stride: u32,  // vec4 a row; floats where RAGGED is 2
  y_stride: u32,
  y_offset: u32,
  eps: f32,
  norm_offset: f32,
  scale: f32,       // factor on the product, or on what joins the residual stream
  softcap: f32,
  adapter_row: u32, // output 0 of this dispatch among those the adapter's parts are for
  w_high: u32,
  w_super: u32,
}
const NONE = 0xffffffffu;
const TILE = 32u;
const DEPTH4 = 8u; // vec4 along k in one tile

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> x_tile: array<array<vec4f, DEPTH4>, TILE>;
var<workgroup> w_tile: array<array<vec4f, DEPTH4>, TILE>;

fn inside(value: vec4f, k4: u32) -> vec4f {
  return select(vec4f(), value, vec4u(k4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.k));
}

fn x4(row: u32, k4: u32) -> vec4f {
  if (RAGGED == 0u) { return x[row + k4]; }
  let at = row + k4 * 4u;
  return inside(four_at(x[at / 4u], x[at / 4u + 1u], at), k4);
}

fn bias(out: u32) -> f32 {
  if (p.w_bias == NONE) { return 0.0; }
  let at = p.w_bias + p.w_row + out;
  return bitcast<f32>(w[at / 4u][at % 4u]);
}

fn load_tiles(k0: u32, first_row: u32, first_out: u32, index: u32) {
  for (var i = index; i < TILE * DEPTH4; i += 64u) {
    let line = i / DEPTH4;
    let k4 = k0 + i % DEPTH4;
    var xv = vec4f();
    var wv = vec4f();
    if (k4 < p.k4 && first_row + line < rows_active()) {
      xv = x4(input_row(first_row + line) * p.x_stride, k4);
    }
    if (k4 < p.k4 && first_out + line < p.n) { wv = weight4(p.w_row + first_out + line, k4); }
    x_tile[line][i % DEPTH4] = xv;
    w_tile[line][i % DEPTH4] = wv;
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let first_out = (group.z * groups.x + group.x) * TILE;
  let first_row = group.y * TILE;
  if (first_row >= rows_active() || first_out >= p.n) { return; }
  let ty = (index / 8u) * 4u;
  let tx = (index % 8u) * 4u;
  var acc: array<vec4f, 4>;
  for (var k0 = 0u; k0 < p.k4; k0 += DEPTH4) {
    load_tiles(k0, first_row, first_out, index);
    workgroupBarrier();
    for (var d = 0u; d < DEPTH4; d++) {
      let w0 = w_tile[tx][d];
      let w1 = w_tile[tx + 1u][d];
      let w2 = w_tile[tx + 2u][d];
      let w3 = w_tile[tx + 3u][d];
      for (var i = 0u; i < 4u; i++) {
        let v = x_tile[ty + i][d];
        acc[i] += vec4f(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let row = first_row + ty + i;
    if (row >= rows_active()) { break; }
    for (var j = 0u; j < 4u; j++) {
      let out = first_out + tx + j;
      if (out < p.n) {
        y[output_row(row) * p.y_stride + p.y_offset + out] = epilogue(adapt(acc[i][j], row, out) + bias(out), row, out);
      }
    }
  }
}
