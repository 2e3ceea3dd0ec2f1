// What is added to a finished product before it is stored.
fn epilogue(product: f32, row: u32, column: u32) {
  let at = row * p.k + column;
  var value = product;
  if (LOW_RANK == 1u) {
    for (var j = 0u; j < p.ranks; j++) { value += a[(p.a_row + j) * p.a_stride + column] * du[row * p.ranks + j]; }
  }
  if (ONTO == 1u) { value += onto[at]; }
  if (ONTO == 2u) { value += dx[at]; }
  dx[at] = value;
}
