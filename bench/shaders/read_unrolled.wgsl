// Streaming read after clpeak's global bandwidth test: every thread fetches 16 values a workgroup's width apart, unrolled.
@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  var sum = vec4f();
  for (var base = group.x * 16u * WORKGROUP; base < arrayLength(&data); base += groups.x * 16u * WORKGROUP) {
    let i = base + index;
    sum += data[i] + data[i + WORKGROUP] + data[i + 2u * WORKGROUP] + data[i + 3u * WORKGROUP];
    sum += data[i + 4u * WORKGROUP] + data[i + 5u * WORKGROUP] + data[i + 6u * WORKGROUP] + data[i + 7u * WORKGROUP];
    sum += data[i + 8u * WORKGROUP] + data[i + 9u * WORKGROUP] + data[i + 10u * WORKGROUP] + data[i + 11u * WORKGROUP];
    sum += data[i + 12u * WORKGROUP] + data[i + 13u * WORKGROUP] + data[i + 14u * WORKGROUP] + data[i + 15u * WORKGROUP];
  }
  sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}
