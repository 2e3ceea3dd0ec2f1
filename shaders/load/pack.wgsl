// What all pack kernels share: floats as a file has them become the planes of a matrix.
//   staged: floats; element (row, column) of the matrix is number p.source + row·p.row_step + column·p.column_step of them, so that a
//   matrix may be stored as [rows, columns] or turned; blocks p.first to p.first + p.count, in row order, are staged
//   matrix: its quants from word 0, its scales from word p.w_scales
//   grid: a thread for each of p.threads, in two dimensions
struct Params {
  first: u32,
  count: u32,
  source: u32,      // may wrap around: only the sum is an index
  row_step: u32,
  column_step: u32,
  row_blocks: u32,  // blocks a row
  row_words: u32,   // words a row of the quants
  w_scales: u32,
  start: u32,       // what the first thread makes
  threads: u32,
  zero: u32,        // 0, which compilers do not know
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> staged: array<u32>;
@group(0) @binding(2) var<storage, read_write> matrix: array<u32>;

// f32 bits of an element.
fn element(row: u32, column: u32) -> u32 { return staged_bits(p.source + row * p.row_step + column * p.column_step); }

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + index;
  if (i < p.threads) { pack(p.start + i); }
}
