// Level of detail: one cell for every block of high × wide elements of a matrix, or of finer cells.
//   cell = (min, max, mean as f32 bits, count of finite values | BAD): extremes and mean are over the finite values
//   source [slices, rows, cols] f32 bits, or cells; cells [slices, out_rows, out_cols]
//   grid: one thread a cell
struct Params {
  rows: u32,
  cols: u32,
  out_rows: u32,
  out_cols: u32,
  high: u32,
  wide: u32,
  slices: u32,
  from_cells: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> cells: array<vec4u>;

const BAD = 0x80000000u; // some value is NaN or infinite
const F32_MAX = 3.4028234e38;

fn finite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  let plane = p.out_rows * p.out_cols;
  if (at >= p.slices * plane) { return; }
  let first_row = (at % plane) / p.out_cols * p.high;
  let first_col = at % p.out_cols * p.wide;
  let base = at / plane * p.rows * p.cols;
  var low = F32_MAX;
  var high = -F32_MAX;
  var sum = 0.0;
  var count = 0u;
  var bad = 0u;
  for (var row = first_row; row < min(p.rows, first_row + p.high); row++) {
    for (var col = first_col; col < min(p.cols, first_col + p.wide); col++) {
      let i = base + row * p.cols + col;
      if (p.from_cells == 1u) {
        let n = source[i * 4u + 3u];
        low = min(low, bitcast<f32>(source[i * 4u]));
        high = max(high, bitcast<f32>(source[i * 4u + 1u]));
        sum += bitcast<f32>(source[i * 4u + 2u]) * f32(n & ~BAD);
        count += n & ~BAD;
        bad |= n & BAD;
      } else {
        let bits = source[i];
        if (finite(bits)) {
          let value = bitcast<f32>(bits);
          low = min(low, value);
          high = max(high, value);
          sum += value;
          count += 1u;
        } else {
          bad = BAD;
        }
      }
    }
  }
  let mean = select(0.0, sum / f32(count), count > 0u);
  cells[at] = vec4u(bitcast<u32>(low), bitcast<u32>(high), bitcast<u32>(mean), count | bad);
}
