// dx[r, i] = Σₒ w[o, i]·dy[r, o] (+ Σⱼ a[j, i]·du[r, j]) (+ onto[r, i]): w is read as it lies, row by row
//   dy [rows, outputs], w [outputs, k] in any weight format, dx [rows, k], du [rows, ranks], a [ranks, k] of the adapters
//   ONTO: 0 starts from nothing, 1 from `onto`, 2 from dx itself (later shards of w). LOW_RANK: 1 adds the adapters' part.
//   grid: ⌈units of a row · UNIT4 / PARTS / WORKGROUP⌉ × ⌈rows / ROWS⌉; a thread takes PARTS (1 or 2) vec4 of columns, 8 rows. Neighbours
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

// What goes with eight rows is named: an array that a loop goes over lies in memory where the driver does not unroll the loop, and
// SwiftShader then takes five times as long.
struct Sums {
  r0: vec4f,
  r1: vec4f,
  r2: vec4f,
  r3: vec4f,
  r4: vec4f,
  r5: vec4f,
  r6: vec4f,
  r7: vec4f,
}
struct Gradients { // of one output
  low: vec4f, // rows 0 … 3
  high: vec4f,
}
struct Starts { // where each row of dy starts
  low: vec4u,
  high: vec4u,
}
fn plus(s: Sums, w4: vec4f, g: Gradients) -> Sums {
  return Sums(
    s.r0 + w4 * g.low.x, s.r1 + w4 * g.low.y, s.r2 + w4 * g.low.z, s.r3 + w4 * g.low.w,
    s.r4 + w4 * g.high.x, s.r5 + w4 * g.high.y, s.r6 + w4 * g.high.z, s.r7 + w4 * g.high.w,
  );
}
fn starts_at(row0: u32, last: u32) -> Starts {
  let rows = row0 + vec4u(0u, 1u, 2u, 3u);
  return Starts(
    min(rows, vec4u(last)) * p.dy_stride + p.dy_offset,
    min(rows + 4u, vec4u(last)) * p.dy_stride + p.dy_offset,
  );
}
fn read_gradients(at: Starts, o: u32) -> Gradients {
  let low = at.low + o;
  let high = at.high + o;
  return Gradients(
    vec4f(dy[low.x], dy[low.y], dy[low.z], dy[low.w]),
    vec4f(dy[high.x], dy[high.y], dy[high.z], dy[high.w]),
  );
}

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
  let at = starts_at(row0, rows - 1u);
  var first: Sums;
  var second: Sums;
  for (var o0 = 0u; o0 < p.n; o0 += HELD) {
    let loaded = load_gradients(at, o0, invocation);
    for (var held = 0u; held < min(HELD, p.n - o0); held++) {
      let row = p.w_row + o0 + held;
      let weights = unit_at(head_at(row, unit), row, unit);
      let g = gradients(loaded, held, invocation);
      first = plus(first, unit4(weights, part0), g);
      if (PARTS > 1u) { second = plus(second, unit4(weights, part0 + 1u), g); }
    }
  }
  if (thread != share) { return; }
  let acc = array(
    first.r0, first.r1, first.r2, first.r3, first.r4, first.r5, first.r6, first.r7,
    second.r0, second.r1, second.r2, second.r3, second.r4, second.r5, second.r6, second.r7,
  );
  for (var i = 0u; i < min(ROWS, rows - row0); i++) {
    for (var part = 0u; part < PARTS; part++) {
      let column = (unit * UNIT4 + part0 + part) * 4u;
      for (var j = 0u; j < 4u && column + j < p.k; j++) { epilogue(acc[part * ROWS + i][j], row0 + i, column + j); }
    }
  }
}
