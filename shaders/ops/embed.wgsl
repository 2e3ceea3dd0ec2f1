// y[r] = scale · table[token(r)] + position(r)
//   table [vocab, hidden] in any weight format, y [rows, hidden] (store provider); the token id comes from the row, or for FROM_SAMPLER from
//   the GPU's own last draw of that sequence. A sharded table is one dispatch a shard; each writes only its tokens.
//   grid: ⌈hidden / 4 / WORKGROUP⌉ × rows
struct Params {
  k: u32,
  k4: u32,        // ⌈k / 4⌉
  w_first: u32,   // first token of this shard
  w_count: u32,   // tokens of this shard
  w_stride: u32,
  w_scales: u32,
  scale: f32,
  p_first: u32,   // row of the learned positions that position 0 takes
  w_high: u32,
  w_super: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> drawn: array<u32>; // [slots]
@group(0) @binding(3) var<storage, read> w: array<vec4u>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let k4 = id.x;
  if (row >= row_count() || k4 >= p.k4) { return; }
  let at = row_at(row);
  var token = at.token;
  if (token == FROM_SAMPLER) { token = drawn[at.slot]; }
  if (token < p.w_first || token - p.w_first >= p.w_count) { return; }
  store4(row, k4, p.scale * weight4(token - p.w_first, k4) + position4(at.learned + p.p_first, k4));
}
