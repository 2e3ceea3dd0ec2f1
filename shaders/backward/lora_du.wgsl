// Back through B: du[r, j] = s·(α/r)ⱼ·Σₒ dy[r, o]·b[o, j] (+ onto[r, j]), s the adapter's scale for the row
//   dy [rows, n]; lora: as in lib/adapter_lora.wgsl; a: its stack's A with the table of (adapter, α/r) behind; du [rows, ranks]
//   grid: ⌈⌈ranks / 4⌉ / WORKGROUP⌉ × ⌈rows / 4⌉; a thread takes 4 rows and 4 ranks
struct Params {
  n: u32,
  ranks: u32,
  b: u32,      // word where B of these outputs begins
  b_stride: u32,
  table: u32,  // word where the table's entry of the first rank lies in a
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> lora: array<f32>;
@group(0) @binding(4) var<storage, read_write> du: array<f32>;
@group(0) @binding(5) var<storage, read> a: array<u32>;
@group(0) @binding(6) var<storage, read> onto: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let rank0 = id.x * 4u;
  let row0 = id.y * 4u;
  let count = rows_active();
  if (rank0 >= p.ranks || row0 >= count) { return; }
  var acc: array<vec4f, 4>;
  for (var o = 0u; o < p.n; o++) {
    var b4 = vec4f();
    for (var j = 0u; j < 4u; j++) { b4[j] = lora[p.b + o * p.b_stride + min(rank0 + j, p.ranks - 1u)]; }
    for (var i = 0u; i < 4u; i++) { acc[i] += dy[min(row0 + i, count - 1u) * p.n + o] * b4; }
  }
  for (var i = 0u; i < 4u && row0 + i < count; i++) {
    for (var j = 0u; j < 4u && rank0 + j < p.ranks; j++) {
      let entry = p.table + 2u * (rank0 + j);
      let scale = adapter_scale(input_row(row0 + i), a[entry]) * bitcast<f32>(a[entry + 1u]);
      let at = (row0 + i) * p.ranks + rank0 + j;
      var value = scale * acc[i][j];
      if (ONTO == 1u) { value += onto[at]; }
      du[at] = value;
    }
  }
}
