// y = Wx + Σ sᵢ·(αᵢ/rᵢ)·Bᵢ(Aᵢx): ax already carries each row's scales, so single adapters are not told apart here.
// DoRA and trained biases blend by the scale of their own adapter, y = Wx + s·(g∘(Wx + δ) + d − Wx), in a part of their own: what
// parts over one output add to it is summed.
//   ax [rows, ranks of all parts]
//   lora: parts, ranks of all parts, 2 spare words; a table of parts; then B, g and d of each. A part has 12 words:
//   first output, end, first rank, ranks, word of B [outputs, ranks], word of g or NONE, word of d or NONE, adapter of g and d,
//   that adapter's first rank in the part, its end, 2 spare
@group(0) @binding(7) var<storage, read> ax: array<f32>;
@group(0) @binding(8) var<storage, read> lora: array<u32>;

const PART_WORDS = 12u;

fn low_rank(b: u32, x: u32, begin: u32, end: u32) -> f32 {
  var delta = 0.0;
  for (var r = begin; r < end; r++) { delta += bitcast<f32>(lora[b + r]) * ax[x + r]; }
  return delta;
}

fn part_delta(value: f32, i: u32, row: u32, part: u32) -> f32 {
  let ranks = lora[part + 3u];
  let b = lora[part + 4u] + (row - lora[part]) * ranks;
  let x = i * lora[1] + lora[part + 2u];
  var result = low_rank(b, x, 0u, ranks);
  let dora_scale = lora[part + 5u];
  let biases = lora[part + 6u];
  if (dora_scale == NONE && biases == NONE) { return result; }
  let scale = adapter_scale(input_row(i), lora[part + 7u]);
  let at = row - lora[part];
  if (dora_scale != NONE) {
    let adapted = low_rank(b, x, lora[part + 8u], lora[part + 9u]);
    result += (bitcast<f32>(lora[dora_scale + at]) - 1.0) * (scale * value + adapted);
  }
  if (biases != NONE) { result += scale * bitcast<f32>(lora[biases + at]); }
  return result;
}

fn adapt(value: f32, i: u32, out: u32) -> f32 {
  let row = p.adapter_row + out;
  let end = 4u + lora[0] * PART_WORDS;
  var result = value;
  for (var part = 4u; part < end; part += PART_WORDS) {
    if (row >= lora[part] && row < lora[part + 1u]) { result += part_delta(value, i, row, part); }
  }
  return result;
}
