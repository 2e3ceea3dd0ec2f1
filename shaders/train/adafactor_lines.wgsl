// R or C: v ← β·v + (1 − β)·mean over a line of (c·g)² + ε; lines_rows and lines_columns say what a line is
//   g [n], means [lines of all matrices]
//   grid: a thread for each line, in two dimensions
struct Params {
  matrices: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(1) var<uniform> p: Params;
@group(0) @binding(3) var<storage, read> statistics: array<f32>;
@group(0) @binding(4) var<storage, read_write> means: array<f32>;
@group(0) @binding(5) var<storage, read> g: array<f32>;

struct Line {
  at: u32,
  length: u32,
  stride: u32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let i = element(group, groups, index);
  if (i >= line_count() || statistics[3] == 0.0) { return; }
  let line = line_at(i);
  var sum = 0.0;
  for (var j = 0u; j < line.length; j++) {
    let gradient = statistics[2] * g[line.at + j * line.stride];
    sum += gradient * gradient + control[6];
  }
  means[i] = control[2] * means[i] + (1.0 - control[2]) * sum / f32(line.length);
}
