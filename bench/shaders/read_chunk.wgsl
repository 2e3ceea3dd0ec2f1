// Streaming read after BabelStream's dot on CPU devices: every thread reads a contiguous chunk of its own.
@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let chunk = arrayLength(&data) / (groups.x * WORKGROUP);
  var sum = vec4f();
  for (var i = id.x * chunk; i < (id.x + 1u) * chunk; i++) { sum += data[i]; }
  sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}
