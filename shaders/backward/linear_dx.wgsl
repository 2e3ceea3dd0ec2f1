// dx[r, i] = Σₒ w[o, i]·dy[r, o] (+ Σⱼ a[j, i]·du[r, j]) (+ onto[r, i]): w is read as it lies, row by row
//   dy [rows, outputs], w [outputs, k] in any weight format, dx [rows, k], du [rows, ranks], a [ranks, k] of the adapters
//   ONTO: 0 starts from nothing, 1 from `onto`, 2 from dx itself (later shards of w). LOW_RANK: 1 adds the adapters' part.
//   grid: ⌈units of a row · UNIT4 / PARTS / WORKGROUP⌉ × ⌈rows / ROWS⌉; a thread takes PARTS vec4 of columns and ROWS rows. Neighbours
//   share a unit of weights where PARTS is less than one: sums of whole units would not stay in registers.
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

var<private> dy_at: array<u32, ROWS>; // where each row of dy starts

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, invocation: Invocation) {
  let row0 = group.y * ROWS;
  let rows = rows_active();
  if (row0 >= rows) { return; }
  // Threads past the end stay: they may have loaded what others read. They read the last columns and write nothing.
  let thread = group.x * WORKGROUP + index;
  let share = min(thread, p.units * (UNIT4 / PARTS) - 1u);
  let unit = share / (UNIT4 / PARTS);
  let part0 = share % (UNIT4 / PARTS) * PARTS;
  var acc: array<vec4f, ROWS * PARTS>;
  for (var i = 0u; i < ROWS; i++) { dy_at[i] = min(row0 + i, rows - 1u) * p.dy_stride + p.dy_offset; }
  for (var o0 = 0u; o0 < p.n; o0 += HELD) {
    load_gradients(o0, invocation);
    for (var held = 0u; held < min(HELD, p.n - o0); held++) {
      let row = p.w_row + o0 + held;
      let weights = unit_at(head_at(row, unit), row, unit);
      for (var part = 0u; part < PARTS; part++) {
        let w4 = unit4(weights, part0 + part);
        for (var i = 0u; i < ROWS; i++) { acc[part * ROWS + i] += w4 * gradient(i, o0, held, invocation); }
      }
    }
  }
  if (thread != share) { return; }
  for (var i = 0u; i < min(ROWS, rows - row0); i++) {
    for (var part = 0u; part < PARTS; part++) {
      let first = (unit * UNIT4 + part0 + part) * 4u;
      for (var j = 0u; j < 4u && first + j < p.k; j++) { epilogue(acc[part * ROWS + i][j], row0 + i, first + j); }
    }
  }
}
