// One plane of a matrix from blocks as a file has them: bytes and bits move, values do not change.
//   staged: blocks of BLOCK_BYTES bytes, the first at byte p.source; matrix: the plane from word p.plane
//   A block gives BYTES bytes of the plane, from its byte AT on, as REPACK says (src/weights/formats/record.ts).
//   A head's rows may be interleaved in the file: its row 2·j + c becomes row c·head/2 + j.
//   grid: a thread for 4 of p.words words, in two dimensions; what no staged block becomes stays as it is
struct Params {
  first: u32,      // block of the plane that the first staged block becomes
  count: u32,      // staged blocks
  source: u32,
  plane: u32,
  word: u32,       // first word of the plane to be written
  words: u32,
  row_blocks: u32, // blocks a row
  row_words: u32,  // words a row with its padding, or 0 where rows follow each other without
  head: u32,       // rows of a head whose halves a file interleaves, or 0
  head_row: u32,   // row of the matrix where the first head begins
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> staged: array<u32>;
@group(0) @binding(2) var<storage, read_write> matrix: array<u32>;

// Which staged block becomes this block; p.count or more where none does.
fn staged_block(block: u32) -> u32 {
  if (p.head == 0u) { return block - p.first; }
  let row = block / p.row_blocks - p.head_row;
  let inner = row % p.head;
  let stored = row - inner + inner % (p.head / 2u) * 2u + inner / (p.head / 2u);
  return (p.head_row + stored) * p.row_blocks + block % p.row_blocks - p.first;
}

// Four bytes from any byte on.
fn bytes_at(at: u32) -> u32 {
  let low = staged[at / 4u];
  if (ALIGNED == 1u) { return low; }
  let shift = 8u * (at % 4u);
  if (WITHIN_WORD == 1u) { return low >> shift; }
  return select((low >> shift) | (staged[at / 4u + 1u] << (32u - shift)), low, shift == 0u);
}

// Sixteen bytes from any byte on.
fn moved(at: u32) -> vec4u {
  let i = at / 4u;
  let low = vec4u(staged[i], staged[i + 1u], staged[i + 2u], staged[i + 3u]);
  if (ALIGNED == 1u) { return low; }
  let shift = 8u * (at % 4u);
  let high = vec4u(low.yzw, staged[i + 4u]);
  return select((low >> vec4u(shift)) | (high << vec4u(32u - shift)), low, shift == 0u);
}

// Nibbles of 32 weights that lie in the low or high halves of 32 bytes, as one unit: byte j holds weights j and j + 16.
fn joined_nibbles(run: u32, shift: u32) -> vec4u {
  let low = (moved(run) >> vec4u(shift)) & vec4u(0x0f0f0f0fu);
  let high = (moved(run + 16u) >> vec4u(shift)) & vec4u(0x0f0f0f0fu);
  return low | (high << vec4u(4u));
}

// Two-bit fields of 64 weights, which two runs of 16 bytes hold side by side with others': words of 16 weights.
fn joined_pairs(run: u32, shift: u32) -> vec4u {
  let first = moved(run) >> vec4u(shift);
  let second = moved(run + 16u) >> vec4u(shift);
  var result = vec4u();
  for (var q = 0u; q < 4u; q++) {
    let a = first[q];
    let b = second[q];
    result |= (vec4u(a, b, a >> 2u, b >> 2u) & vec4u(0x03030303u)) << vec4u(2u * q);
  }
  return result;
}

// One-bit fields of four times 32 weights, which 32 bytes hold from bit `first` on.
fn joined_bits(run: u32, first: u32) -> vec4u {
  let low = moved(run) >> vec4u(first);
  let high = moved(run + 16u) >> vec4u(first);
  var result = vec4u();
  for (var q = 0u; q < 4u; q++) {
    let fields = (vec4u(low[q]) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(0x01010101u);
    let upper = (vec4u(high[q]) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(0x01010101u);
    result |= (fields << vec4u(q)) | (upper << vec4u(q + 4u));
  }
  return result;
}

// Words `word` to `word + 3` of what a block gives, its bytes starting at `block`.
fn four_words(block: u32, word: u32) -> vec4u {
  let bytes = block + AT;
  let unit = word / 4u; // 32 weights, of pairs 64, of bits 128
  switch REPACK {
    case NIBBLES2: { return joined_nibbles(bytes + unit / 2u * 32u, 4u * (unit % 2u)); }
    case NIBBLES4: { return joined_nibbles(bytes + unit / 4u * 64u + unit % 2u * 32u, 4u * (unit / 2u % 2u)); }
    case PAIRS: { return joined_pairs(bytes + unit / 2u * 32u, 4u * (unit % 2u)); }
    case BITS: { return joined_bits(bytes, word); }
    default: { return moved(bytes + 4u * word); }
  }
}

// Four of 32 flags in every byte, those of part p at its bit p.
fn spread_flags(flags: u32) -> u32 {
  var result = 0u;
  for (var part = 0u; part < 8u; part++) {
    result |= ((((flags >> (4u * part)) & 0xfu) * 0x00204081u) & 0x01010101u) << part;
  }
  return result;
}

// A word of a plane with padding, or with few bytes a block.
fn write_word(word: u32) {
  var row_byte = word * 4u;
  var row_block = 0u;
  var end = 0xffffffffu;
  if (p.row_words != 0u) {
    row_byte = word % p.row_words * 4u;
    row_block = word / p.row_words * p.row_blocks;
    end = p.row_blocks;
  }
  if (BYTES >= 4u) {
    let column = row_byte / BYTES;
    let block = staged_block(row_block + column);
    if (column < end && block < p.count) {
      let bytes = bytes_at(p.source + block * BLOCK_BYTES + AT + row_byte % BYTES);
      matrix[p.plane + word] = select(bytes, spread_flags(bytes), REPACK == SPREAD);
    }
    return;
  }
  var value = 0u;
  var written = 0u;
  for (var byte = 0u; byte < 4u; byte += BYTES) {
    let column = (row_byte + byte) / BYTES;
    let block = staged_block(row_block + column);
    if (column < end && block < p.count) {
      let field = 0xffffffffu >> (32u - 8u * min(BYTES, 4u));
      value |= (bytes_at(p.source + block * BLOCK_BYTES + AT) & field) << (8u * byte);
      written |= field << (8u * byte);
    }
  }
  if (written == 0xffffffffu) {
    matrix[p.plane + word] = value;
  } else if (written != 0u) {
    matrix[p.plane + word] = (matrix[p.plane + word] & ~written) | value;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let first = ((group.y * groups.x + group.x) * WORKGROUP + index) * 4u;
  if (first >= p.words) { return; }
  if (BYTES % 16u != 0u) {
    for (var i = first; i < min(first + 4u, p.words); i++) { write_word(p.word + i); }
    return;
  }
  // Four words of one block.
  let word = p.word + first;
  let block = staged_block(word * 4u / BYTES);
  if (block >= p.count) { return; }
  let four = four_words(p.source + block * BLOCK_BYTES, word * 4u % BYTES / 4u);
  for (var i = 0u; i < 4u; i++) { matrix[p.plane + word + i] = four[i]; }
}
