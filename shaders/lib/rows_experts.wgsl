// Every row of the forward once for each expert it takes; w holds the matrices of EXPERTS experts one after the other, each of
// EXPERT_ROWS rows. p.w_row counts from expert 0: where w begins with a later one, it wraps around. x is the row's own, or with
// PER_EXPERT one for each of its experts.
//   chosen [rows, CHOSEN] numbers of experts, of rows ID_STRIDE long
@group(0) @binding(6) var<storage, read> chosen: array<f32>;
fn rows_active() -> u32 { return row_count() * CHOSEN; }
fn input_row(i: u32) -> u32 { return select(i / CHOSEN, i, PER_EXPERT == 1u); }
fn output_row(i: u32) -> u32 { return i; }
// Experts of another buffer are left to its dispatch.
fn matrix_row(i: u32) -> u32 {
  let row = u32(chosen[i / CHOSEN * ID_STRIDE + i % CHOSEN]) * EXPERT_ROWS;
  return select(NONE, row, row + p.w_row < EXPERTS * EXPERT_ROWS);
}
