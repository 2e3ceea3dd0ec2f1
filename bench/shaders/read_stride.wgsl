// Streaming read after Harris, "Optimizing Parallel Reduction in CUDA" (kernel 7): threads stride over the buffer by the grid.
@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var sum = vec4f();
  for (var i = id.x; i < arrayLength(&data); i += groups.x * WORKGROUP) { sum += data[i]; }
  sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}
