// One rotated element of a head, "half" layout: pairs (i, i + d/2); "interleaved": pairs (2i, 2i + 1).
//   (a, b) → (a·cos − b·sin, b·cos + a·sin), angles from a host table in f64
//   table [rows, 2, rotary / 2]: cos then sin, by position within a section; dims beyond `rotary` pass through
@group(0) @binding(3) var<storage, read> table: array<f32>;

fn rotate(base: u32, i: u32, table_row: u32) -> f32 {
  let dim = i % p.head_dim;
  let value = x[base + i];
  if (dim >= p.rotary) { return value; }
  let half = p.rotary / 2u;
  let interleaved = p.interleaved == 1u;
  let pair = select(dim % half, dim / 2u, interleaved);
  let second = select(dim >= half, (dim & 1u) == 1u, interleaved);
  let distance = select(half, 1u, interleaved);
  let other = x[base + select(i + distance, i - distance, second)];
  let at = table_row * p.rotary + pair;
  return value * table[at] + select(-other, other, second) * table[at + half];
}
