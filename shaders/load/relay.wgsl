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
  return select((low >> shift) | (staged[at / 4u + 1u] << (32u - shift)), low, shift == 0u);
}

// Nibbles of 32 weights that lie in the low or high halves of 32 bytes, as one unit: byte j holds weights j and j + 16.
fn joined_nibbles(run: u32, word: u32, shift: u32) -> u32 {
  let low = (bytes_at(run + 4u * word) >> shift) & 0x0f0f0f0fu;
  let high = (bytes_at(run + 16u + 4u * word) >> shift) & 0x0f0f0f0fu;
  return low | (high << 4u);
}

// Word `word` of what the block whose bytes start at `block` gives.
fn repacked(block: u32, word: u32) -> u32 {
  let bytes = block + AT;
  switch REPACK {
    case NIBBLES2: {
      let sub = word / 4u;
      return joined_nibbles(bytes + sub / 2u * 32u, word % 4u, 4u * (sub % 2u));
    }
    case NIBBLES4: {
      let sub = word / 4u;
      return joined_nibbles(bytes + sub / 4u * 64u + sub % 2u * 32u, word % 4u, 4u * (sub / 2u % 2u));
    }
    case PAIRS: {
      let sub = word / 2u;
      let run = bytes + sub / 4u * 32u + word % 2u * 16u;
      var result = 0u;
      for (var q = 0u; q < 4u; q++) {
        result |= ((bytes_at(run + 4u * q) >> (2u * (sub % 4u))) & 0x03030303u) << (2u * q);
      }
      return result;
    }
    case BITS: {
      var result = 0u;
      for (var part = 0u; part < 8u; part++) {
        result |= ((bytes_at(bytes + 4u * part) >> word) & 0x01010101u) << part;
      }
      return result;
    }
    case SPREAD: {
      let flags = bytes_at(bytes);
      var result = 0u;
      for (var part = 0u; part < 8u; part++) {
        // The four flags of a part, each moved into a byte of its own.
        result |= ((((flags >> (4u * part)) & 0xfu) * 0x00204081u) & 0x01010101u) << part;
      }
      return result;
    }
    default: { return bytes_at(bytes + 4u * word); }
  }
}

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
      matrix[p.plane + word] = repacked(p.source + block * BLOCK_BYTES, row_byte % BYTES / 4u);
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
  let bytes = p.source + block * BLOCK_BYTES;
  let inner = word * 4u % BYTES / 4u;
  for (var i = 0u; i < 4u; i++) { matrix[p.plane + word + i] = repacked(bytes, inner + i); }
}
