// Keys and values in q8_0, as they are read: blocks of 32 int8 and an f16 scale along the head. A row is one position of one head:
// DIM4 words of four int8, then the scales, two a word.
const KV_WORDS = DIM4 + (DIM4 + 15u) / 16u;
@group(0) @binding(10) var<storage, read> k_pages: array<u32>;
@group(0) @binding(11) var<storage, read> v_pages: array<u32>;

fn widened(word: u32, scales: u32, d: u32) -> vec4f {
  let pair = unpack2x16float(scales);
  return vec4f(unpack4xI8(word)) * select(pair.x, pair.y, d % 16u >= 8u);
}

fn key4(row: u32, d: u32) -> vec4f {
  let at = row * KV_WORDS;
  return widened(k_pages[at + d], k_pages[at + DIM4 + d / 16u], d);
}

fn value4(row: u32, d: u32) -> vec4f {
  let at = row * KV_WORDS;
  return widened(v_pages[at + d], v_pages[at + DIM4 + d / 16u], d);
}
