// An adapted embedding: y[r, h] = base[r, h] + Σⱼ s·(α/r)·B[h, j]·A[j, token(r)]
//   base, y [rows, n]; lora: a column of A per token [vocab, ranks], then B [n, ranks], then a table of (adapter, α/r) a rank
//   grid: ⌈n / WORKGROUP⌉ × rows
struct Params {
  n: u32,
  ranks: u32,
  b: u32,      // word where B starts
  table: u32,  // word where the table starts
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> drawn: array<u32>; // [slots]
@group(0) @binding(3) var<storage, read> base: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> lora: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  if (id.x >= p.n || row >= row_count()) { return; }
  let at = row_at(row);
  var token = at.token;
  if (token == FROM_SAMPLER) { token = drawn[at.slot]; }
  var sum = base[row * p.n + id.x];
  for (var j = 0u; j < p.ranks; j++) {
    let scale = adapter_scale(row, lora[p.table + 2u * j]) * bitcast<f32>(lora[p.table + 2u * j + 1u]);
    sum += scale * bitcast<f32>(lora[p.b + id.x * p.ranks + j]) * bitcast<f32>(lora[token * p.ranks + j]);
  }
  y[row * p.n + id.x] = sum;
}
