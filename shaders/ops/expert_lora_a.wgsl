// Low ranks of a row for each expert it takes: u[r, c, j] = s·(α/r)·Σ A[e, j]·x, e the c-th expert of the row
//   x [rows, k], or [rows, chosen, k] with per_expert; ids [rows, chosen]; u [rows, chosen, ranks]
//   lora: A [experts, ranks, k], B, then from `table` on (adapter, α/r) of each rank
//   grid: ⌈ranks / WORKGROUP⌉ × rows · chosen
struct Params {
  k: u32,
  ranks: u32,
  chosen: u32,
  per_expert: u32,
  table: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> ids: array<f32>;
@group(0) @binding(4) var<storage, read_write> u: array<f32>;
@group(0) @binding(5) var<storage, read> lora: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y / p.chosen;
  if (id.x >= p.ranks || row >= row_count()) { return; }
  let from_x = select(row, id.y, p.per_expert == 1u) * p.k;
  let from_a = (u32(ids[id.y]) * p.ranks + id.x) * p.k;
  var sum = 0.0;
  for (var i = 0u; i < p.k; i++) { sum += lora[from_a + i] * x[from_x + i]; }
  let rank = p.table + 2u * id.x;
  u[id.y * p.ranks + id.x] = adapter_scale(row, u32(lora[rank])) * lora[rank + 1u] * sum;
}
