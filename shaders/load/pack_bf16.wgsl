// bf16 from any float, rounded to nearest even: a thread makes word `at` of the quants, two weights. The other half of a word that
// holds only one staged weight stays.
fn pack(at: u32) {
  let row = at / p.row_words;
  var word = matrix[at];
  for (var i = 0u; i < 2u; i++) {
    let column = at % p.row_words * 2u + i;
    if (column < p.row_blocks && row * p.row_blocks + column - p.first < p.count) {
      word = (word & (0xffff0000u >> (16u * i))) | (bfloat_bits(element(row, column)) << (16u * i));
    }
  }
  matrix[at] = word;
}
