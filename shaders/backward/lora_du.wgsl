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
  // Named, as in linear_dx.wgsl: what a loop indexes lies in memory on some drivers.
  var sum0: vec4f;
  var sum1: vec4f;
  var sum2: vec4f;
  var sum3: vec4f;
  let of_dy = min(row0 + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u)) * p.n;
  let of_b = p.b + min(rank0 + vec4u(0u, 1u, 2u, 3u), vec4u(p.ranks - 1u));
  for (var o = 0u; o < p.n; o++) {
    let b = of_b + o * p.b_stride;
    let b4 = vec4f(lora[b.x], lora[b.y], lora[b.z], lora[b.w]);
    let d = of_dy + o;
    sum0 += dy[d.x] * b4;
    sum1 += dy[d.y] * b4;
    sum2 += dy[d.z] * b4;
    sum3 += dy[d.w] * b4;
  }
  let acc = array(sum0, sum1, sum2, sum3);
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
