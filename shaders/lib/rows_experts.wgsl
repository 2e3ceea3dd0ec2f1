// Every row of the forward once for each expert it takes; w holds the matrices of experts one after the other, from FIRST_EXPERT on
// EXPERTS of them, each of EXPERT_ROWS rows. x is the row's own, or with PER_EXPERT one for each of its experts.
//   chosen [rows, CHOSEN] numbers of experts, of rows ID_STRIDE long
@group(0) @binding(6) var<storage, read> chosen: array<f32>;
fn rows_active() -> u32 { return row_count() * CHOSEN; }
fn input_row(i: u32) -> u32 { return select(i / CHOSEN, i, PER_EXPERT == 1u); }
fn output_row(i: u32) -> u32 { return i; }
// Experts of another buffer are left to its dispatch.
fn matrix_row(i: u32) -> u32 {
  let expert = u32(chosen[i / CHOSEN * ID_STRIDE + i % CHOSEN]) - FIRST_EXPERT; // before the first it wraps around
  return select(NONE, expert * EXPERT_ROWS, expert < EXPERTS);
}
