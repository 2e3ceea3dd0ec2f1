// y[r, o] = Σₖ w[o, k]·prologue(x)[r, k] + b[o], then combine/epilogue          for few rows, or ROWS at a time
//   x [rows, k], w [n, k] in any weight format, y [rows, n]; rows may each have a matrix of their own in w (rows_experts)
//   grid over x and y: ⌈n / OUTPUTS⌉ workgroups whose threads share k and sum their parts (reduction_workgroup), or threads that
//   each make OUTPUTS outputs by themselves (reduction_none, inputs_shuffled); over z: ⌈rows / ROWS⌉
struct Params {
  k: u32,
  k4: u32,        // ⌈k / 4⌉
  n: u32,         // outputs of this dispatch
  w_row: u32,     // first row of w
  w_stride: u32,  // vec4<u32> a row
  w_scales: u32,  // word where the plane of scales starts
  w_bias: u32,    // word where the bias starts, or NONE
  x_stride: u32,  // vec4 a row; floats where RAGGED is 2
  y_stride: u32,
  y_offset: u32,
  eps: f32,
  norm_offset: f32,
  scale: f32,       // factor on the product, on what joins the residual stream, or inside a gate (outputs_gated_clamped)
  softcap: f32,     // what bounds a product softly, or the halves of a gate
  adapter_row: u32, // output 0 of this dispatch among those the adapter's parts are for
  w_high: u32,    // word where the plane of high bits starts
  w_super: u32,   // word where the plane of super-blocks' scales starts
}
const NONE = 0xffffffffu;

@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Parts of a unit that share a scale. Products sum levels first: y = Σ scale·Σ level·x + Σ offset·Σ x over such parts.
const SIDES = max(SCALES, 1u);
const PARTS = UNIT4 / SIDES;
// A second set of sums for many rows costs more than scaling the weights once for all of them.
const FACTORED = SCALES != 0u && ROWS < 8u;

var<private> x_row: array<u32, ROWS>; // where each row of x starts
var<private> w_first: u32;            // first row of w of this dispatch's rows of x

// RAGGED: k does not fill whole weight units, so the last of them reads past the end of a row. 2: rows of x begin anywhere, and
// their starts and stride count floats.
fn inside(value: vec4f, k4: u32) -> vec4f {
  if (RAGGED == 0u) { return value; }
  return select(vec4f(), value, vec4u(k4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.k));
}
fn x4(i: u32, k4: u32) -> vec4f {
  if (RAGGED < 2u) { return inside(x[x_row[i] + k4], k4); }
  let at = x_row[i] + 4u * k4;
  return inside(four_at(x[at / 4u], x[at / 4u + 1u], at), k4);
}

fn bias(out: u32) -> f32 {
  if (p.w_bias == NONE) { return 0.0; }
  let at = p.w_bias + w_first + out;
  return bitcast<f32>(w[at / 4u][at % 4u]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, invocation: Invocation) {
  let first = reduction_index(group.y * groups.x + group.x, invocation) * OUTPUTS;
  if (outputs_idle(first >= p.n)) { return; }
  let first_row = group.z * ROWS;
  if (first_row >= rows_active()) { return; }
  let matrix = matrix_row(first_row);
  if (matrix == NONE) { return; }
  w_first = matrix + p.w_row;
  for (var i = 0u; i < ROWS; i++) { x_row[i] = input_row(first_row + i) * p.x_stride; }
  prologue_begin(invocation);
  let rows = vec4u(weight_row(first, 0u), weight_row(first, 1u), weight_row(first, 2u), weight_row(first, 3u)) + w_first;
  var acc: array<vec4f, ROWS>;
  // Declared out here, because Mesa 25 does not clear an array that is declared in a loop's body before each turn.
  var dots: array<vec4f, ROWS>;
  let units = (p.k4 + UNIT4 - 1u) / UNIT4;
  for (var run = runs_begin(invocation); run < units; run += runs_step(invocation)) {
    let head0 = head_at(rows.x, run);
    let head1 = head_at(rows.y, run);
    let head2 = head_at(rows.z, run);
    let head3 = head_at(rows.w, run);
    let end = min(run + RUN, units);
    for (var begin = run; begin < end; begin += units_step(invocation)) {
      load_inputs(begin, invocation);
      for (var held = 0u; held < units_held(end - begin, invocation); held++) {
        let unit = begin + held;
        let unit0 = unit_at(head0, rows.x, unit);
        let unit1 = unit_at(head1, rows.y, unit);
        let unit2 = unit_at(head2, rows.z, unit);
        let unit3 = unit_at(head3, rows.w, unit);
        // A path of its own: Mesa does not unroll the loops over sides and parts of what has neither.
        if (!FACTORED) {
          for (var part = 0u; part < UNIT4; part++) {
            let w0 = unit4(unit0, part);
            let w1 = unit4(unit1, part);
            let w2 = unit4(unit2, part);
            let w3 = unit4(unit3, part);
            for (var i = 0u; i < ROWS; i++) {
              let v = input4(i, unit, held, part);
              acc[i] += vec4f(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
            }
          }
          continue;
        }
        for (var side = 0u; side < SIDES; side++) {
          for (var i = 0u; i < ROWS; i++) { dots[i] = vec4f(); }
          // Counted from zero: Mesa unrolls a loop whose ends it knows, and then indexes no register by a running number.
          for (var of_side = 0u; of_side < PARTS; of_side++) {
            let part = side * PARTS + of_side;
            let w0 = level4(unit0, part);
            let w1 = level4(unit1, part);
            let w2 = level4(unit2, part);
            let w3 = level4(unit3, part);
            for (var i = 0u; i < ROWS; i++) {
              let v = input4(i, unit, held, part);
              dots[i] += vec4f(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
              if (OFFSETS) { note_input(i, v); }
            }
          }
          let scale = vec4f(scale_of(unit0, side), scale_of(unit1, side), scale_of(unit2, side), scale_of(unit3, side));
          let offset = vec4f(offset_of(unit0, side), offset_of(unit1, side), offset_of(unit2, side), offset_of(unit3, side));
          for (var i = 0u; i < ROWS; i++) {
            acc[i] += dots[i] * scale;
            if (OFFSETS) { acc[i] += noted_sum(i, held, side) * offset; }
          }
        }
      }
    }
  }
  // The sums are copied so that only the copy is indexed by a running number: acc stays in registers, and the loop below, whose
  // end compilers cannot know, is not unrolled.
  var sums: array<vec4f, ROWS>;
  for (var i = 0u; i < ROWS; i++) { sums[i] = prologue_end(outputs_sum(acc[i], invocation), i, invocation); }
  for (var i = 0u; i < min(ROWS, rows_active() - first_row); i++) {
    let row = first_row + i;
    for (var j = outputs_begin(invocation); j < OUTPUTS && first + j < p.n; j += outputs_step(invocation)) {
      y[output_row(row) * p.y_stride + p.y_offset + first + j] = combine(sums[i], row, first + j, j);
    }
  }
}
