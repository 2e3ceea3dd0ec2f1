// What low ranks add to the product of each expert that a row takes: y[r, c] = base[r, c] + B[e]·u[r, c], e the c-th expert of the row
//   base, y [rows, chosen, n]; ids [rows, chosen]; u [rows, chosen, ranks]; lora: from `b` on B [experts, n, ranks]
//   grid: ⌈n / WORKGROUP⌉ × rows · chosen
struct Params {
  n: u32,
  ranks: u32,
  chosen: u32,
  b: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> base: array<f32>;
@group(0) @binding(3) var<storage, read> ids: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> lora: array<f32>;
@group(0) @binding(6) var<storage, read> u: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y / p.chosen >= row_count()) { return; }
  let from_b = p.b + (u32(ids[id.y]) * p.n + id.x) * p.ranks;
  var sum = base[id.y * p.n + id.x];
  for (var j = 0u; j < p.ranks; j++) { sum += lora[from_b + j] * u[id.y * p.ranks + j]; }
  y[id.y * p.n + id.x] = sum;
}
