// y[r, o] = Σₖ w[o, k]·prologue(x)[r, k] + b[o], then combine/finish          for 1 to 8 rows
//   x [rows, k], w [n, k] in any weight format, y [rows, n]
//   grid: ⌈n / OUTPUTS⌉ workgroups over x and y; a workgroup's threads share k and sum their parts
struct Params {
  k: u32,
  k4: u32,        // ⌈k / 4⌉
  n: u32,         // outputs of this dispatch
  w_row: u32,     // first row of w
  w_stride: u32,  // vec4<u32> a row
  w_scales: u32,  // word where the scales start
  w_bias: u32,    // word where the bias starts, or NONE
  x_stride: u32,  // vec4 a row
  y_stride: u32,
  y_offset: u32,
  eps: f32,
}
const NONE = 0xffffffffu;

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn inside(value: vec4f, k4: u32) -> vec4f {
  return select(vec4f(), value, vec4u(k4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.k));
}
fn x4(i: u32, k4: u32) -> vec4f { return inside(x[input_row(i) * p.x_stride + k4], k4); }

fn bias(out: u32) -> f32 {
  if (p.w_bias == NONE) { return 0.0; }
  let at = p.w_bias + p.w_row + out;
  return bitcast<f32>(w[at / 4u][at % 4u]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, lane: Lane) {
  let first = (group.y * groups.x + group.x) * OUTPUTS;
  if (first >= p.n) { return; }
  prologue_begin(lane);
  let rows = vec4u(weight_row(first, 0u), weight_row(first, 1u), weight_row(first, 2u), weight_row(first, 3u)) + p.w_row;
  var acc: array<vec4f, ROWS>;
  for (var k4 = lane.index; k4 < p.k4; k4 += WORKGROUP) {
    let w0 = weight4(rows.x, k4);
    let w1 = weight4(rows.y, k4);
    let w2 = weight4(rows.z, k4);
    let w3 = weight4(rows.w, k4);
    for (var i = 0u; i < ROWS; i++) {
      let v = prologue(x4(i, k4), i, k4);
      acc[i] += vec4f(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    let sums = prologue_end(workgroup_sum(acc[i], lane), i, lane);
    let out = first + lane.index;
    if (lane.index < OUTPUTS && out < p.n && i < rows_active()) {
      y[output_row(i) * p.y_stride + p.y_offset + out] = combine(sums, i, out, lane.index);
    }
  }
}
