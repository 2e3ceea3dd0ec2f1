// What rows of logits say of their tokens, over the candidates that select left: for each row that needs logits
//   b = l − l of the first candidate, Z = Σ e^b, softmax p = e^b / Z, entropy H = ln Z − Σ b·e^b / Z in nats; and of the row's
//   token t, none when it is FROM_SAMPLER: p_t and its rank #{l > l_t} + #{i < t, l = l_t}
//   logits [ring, vocab], records [rows, RECORD] of select, cells [rows, 4 + 2k] words: sound, H, p_t, rank, ids [k], p of them [k]
//   grid: one workgroup a row, on CPU adapters too: one thread by itself would leave their vector units empty (reduce provider)
struct Params {
  vocab: u32,
  k: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> records: array<u32>;
@group(0) @binding(4) var<storage, read_write> cells: array<u32>;

const MAX_K = 256u;
const RECORD = 8u + 2u * MAX_K;
const LOWEST = -3.4028234e38; // the peak of a row of −∞ alone
const RUN = 64u; // terms of one level of a sum

// b, at least −200: e^−200 is 0 in f32, and so is its product with b, which of −∞ would be NaN.
fn below(value: f32, peak: f32) -> f32 { return max(value - peak, -200.0); }

// This thread's part of (Σ e^b, Σ b·e^b, rank of the token, logits that are NaN or +∞). Sums go in three levels: one running sum of
// 150,000 equal terms drifts by 0.2 %, as each is rounded the same way.
fn weigh(base: u32, peak: f32, token: u32, thread: u32) -> vec4f {
  let followed = logits[base + min(token, p.vocab - 1u)];
  var sums = array<vec2f, 3>();
  var terms = 0u;
  var ahead = 0u;
  var bad = 0u;
  for (var i = thread; i < p.vocab; i += WORKGROUP) {
    let value = logits[base + i];
    let bits = bitcast<u32>(value);
    bad += u32((bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u);
    ahead += u32(value > followed || (value == followed && i < token));
    let b = below(value, peak);
    sums[0] += exp(b) * vec2f(1.0, b);
    terms += 1u;
    if (terms % RUN == 0u) {
      sums[1] += sums[0];
      sums[0] = vec2f();
    }
    if (terms % (RUN * RUN) == 0u) {
      sums[2] += sums[1];
      sums[1] = vec2f();
    }
  }
  // Counts are exact in f32 up to 2²⁴.
  return vec4f(sums[2] + sums[1] + sums[0], f32(ahead), f32(bad));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, invocation: Invocation) {
  if (group.x >= logit_count()) { return; }
  let at = logit_at(group.x);
  let base = batch[at + 1u] * p.vocab;
  let token = row_at(batch[at]).token;
  let record = group.x * RECORD + 8u;
  let peak = max(bitcast<f32>(records[record + MAX_K]), LOWEST);
  let sums = workgroup_sum(weigh(base, peak, token, invocation.index), invocation);
  let cell = group.x * (4u + 2u * p.k);
  for (var i = invocation.index; i < p.k; i += WORKGROUP) {
    let value = bitcast<f32>(records[record + MAX_K + i]);
    cells[cell + 4u + i] = records[record + i];
    cells[cell + 4u + p.k + i] = bitcast<u32>(exp(below(value, peak)) / sums.x);
  }
  if (invocation.index == 0u) {
    let followed = logits[base + min(token, p.vocab - 1u)];
    cells[cell] = u32(sums.w == 0.0 && sums.x > 0.0);
    cells[cell + 1u] = bitcast<u32>(log(sums.x) - sums.y / sums.x);
    cells[cell + 2u] = bitcast<u32>(exp(below(followed, peak)) / sums.x);
    cells[cell + 3u] = u32(sums.z);
  }
}
