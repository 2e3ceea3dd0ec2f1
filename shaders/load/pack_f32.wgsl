// f32 from any float: a thread makes word `at` of the quants.
fn pack(at: u32) {
  let row = at / p.row_words;
  let column = at % p.row_words;
  if (column < p.row_blocks && row * p.row_blocks + column - p.first < p.count) { matrix[at] = element(row, column); }
}
