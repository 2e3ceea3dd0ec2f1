// Four-bit integers that a file holds along the inputs become units of 32 along a row.
//   staged: p.count runs of 32 inputs of all p.outs outputs, from word p.source on. GPTQ: [4, outs] words of eight inputs each;
//   AWQ: [32, outs / 8] words of eight outputs each, whose nibbles are outputs 0, 2, 4, 6, 1, 3, 5, 7
//   matrix: quants, p.stride units a row; run p.first + i of output p.begin + j becomes a unit of row p.row + j
//   grid: a thread for each of count·rows units, in two dimensions
struct Params {
  first: u32,
  count: u32,
  source: u32,
  outs: u32,
  begin: u32,
  row: u32,
  rows: u32,
  stride: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> staged: array<u32>;
@group(0) @binding(2) var<storage, read_write> matrix: array<vec4u>;

// Eight inputs of an output, one in each nibble, the first lowest.
fn eight(run: u32, octet: u32, out: u32) -> u32 {
  if (AWQ == 0u) { return staged[p.source + (run * 4u + octet) * p.outs + out]; }
  let shift = 4u * (out % 8u / 2u + out % 2u * 4u);
  let width = p.outs / 8u;
  let at = p.source + (run * 32u + octet * 8u) * width + out / 8u;
  var result = 0u;
  for (var i = 0u; i < 8u; i++) { result |= ((staged[at + i * width] >> shift) & 15u) << (4u * i); }
  return result;
}

// Four nibbles, one in each byte.
fn apart(nibbles: u32) -> u32 {
  let pairs = (nibbles | (nibbles << 8u)) & 0x00ff00ffu;
  return (pairs | (pairs << 4u)) & 0x0f0f0f0fu;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  if (i >= p.count * p.rows) { return; }
  let run = i / p.rows;
  let out = p.begin + i % p.rows;
  let a = eight(run, 0u, out);
  let b = eight(run, 1u, out);
  let c = eight(run, 2u, out);
  let d = eight(run, 3u, out);
  let low = vec4u(apart(a & 0xffffu), apart(a >> 16u), apart(b & 0xffffu), apart(b >> 16u));
  let high = vec4u(apart(c & 0xffffu), apart(c >> 16u), apart(d & 0xffffu), apart(d >> 16u));
  matrix[(p.row + i % p.rows) * p.stride + p.first + run] = low | (high << vec4u(4u));
}
