// The one buffer that changes per forward. Word offsets of its lists stand in its header; page tables lie behind them.
//   0 rows · 1 rows that need logits · 2 prefill tiles · 3 offset of rows · 4 offset of logit rows · 5 offset of tiles
//   6 offset of adapter scales · 7 adapters
@group(0) @binding(0) var<storage, read> batch: array<u32>;

const PAGE = 32u; // positions of a KV page

struct Row {
  token: u32,     // vocabulary id, or FROM_SAMPLER
  position: u32,  // 0-based in its sequence
  pages: u32,     // word where its sequence's page table starts
  slot: u32,      // of its sequence: where the sampler leaves its draws, and which edits are its own
  turned: u32,    // first row of its section of the rotary tables
  end: u32,       // of the positions it sees, before any window
  learned: u32,   // its row of the learned positions
}

const FROM_SAMPLER = 0xffffffffu;
const ROW_WORDS = 7u;
const LOGIT_WORDS = 12u;

fn row_count() -> u32 { return batch[0]; }
fn logit_count() -> u32 { return batch[1]; }
fn tile_count() -> u32 { return batch[2]; }

fn row_at(row: u32) -> Row {
  let at = batch[3] + row * ROW_WORDS;
  return Row(batch[at], batch[at + 1u], batch[at + 2u], batch[at + 3u], batch[at + 4u], batch[at + 5u], batch[at + 6u]);
}

// Word of the i-th row that needs logits: its row, its row in the logits ring, then what the sampler needs.
fn logit_at(i: u32) -> u32 { return batch[4] + i * LOGIT_WORDS; }

// (first row, rows) of a run of rows of one sequence
fn tile_at(i: u32) -> vec2u {
  let at = batch[5] + i * 2u;
  return vec2u(batch[at], batch[at + 1u]);
}

// Index of a position's slot in the page pool, in positions.
fn cache_slot(pages: u32, position: u32) -> u32 {
  return batch[pages + position / PAGE] * PAGE + position % PAGE;
}

// A slot's row of one head among those that the pages hold: [page, kv_heads, PAGE].
fn kv_row(slot: u32, kv_heads: u32, head: u32) -> u32 {
  return (slot / PAGE * kv_heads + head) * PAGE + slot % PAGE;
}

// A row's scale for an adapter.
fn adapter_scale(row: u32, adapter: u32) -> f32 {
  return bitcast<f32>(batch[batch[6] + row * batch[7] + adapter]);
}
