// Back through a rotation: the gradient turns the other way, (a, b) → (a·cos + b·sin, b·cos − a·sin), by the forward's own table
// (see lib/rotate.wgsl).
//   dy, dx [rows, heads · headDim], table [rows, 2, rotary / 2]
//   grid: ⌈heads · headDim / WORKGROUP⌉ × rows
struct Params {
  n: u32,         // heads · headDim
  head_dim: u32,
  rotary: u32,
  interleaved: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let i = id.x;
  if (row >= row_count() || i >= p.n) { return; }
  let at = row * p.n + i;
  let dim = i % p.head_dim;
  if (dim >= p.rotary) {
    dx[at] = dy[at];
    return;
  }
  let half = p.rotary / 2u;
  let interleaved = p.interleaved == 1u;
  let pair = select(dim % half, dim / 2u, interleaved);
  let second = select(dim >= half, (dim & 1u) == 1u, interleaved);
  let distance = select(half, 1u, interleaved);
  let other = dy[select(at + distance, at - distance, second)];
  let place = row_at(row);
  let angle = (place.turned + place.position) * p.rotary + pair;
  dx[at] = dy[at] * table[angle] + select(other, -other, second) * table[angle + half];
}
