// A module that an adapter replaces: y = base + s·(alt − base), s the adapter's scale for the row
//   base, alt [rows, n], y [rows, n]; rows as the rows provider says
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  adapter: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> base: array<f32>;
@group(0) @binding(3) var<storage, read> alt: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= rows_active()) { return; }
  let at = id.y * p.n + id.x;
  let scale = adapter_scale(input_row(id.y), p.adapter); // base and alt are packed; only y may be scattered
  y[output_row(id.y) * p.n + id.x] = base[at] + scale * (alt[at] - base[at]);
}
