// Workgroup sums through shared memory in two levels: STRIDE partial sums, then one pass over them. Two levels cost two
// barriers where a halving tree costs log2(WORKGROUP); barriers are what CPU adapters pay for.
struct Invocation {
  @builtin(local_invocation_index) index: u32,
}

const STRIDE = select(8u, 16u, WORKGROUP > 64u);
var<workgroup> partials: array<vec4f, WORKGROUP>;
var<workgroup> level: array<vec4f, STRIDE>;

// The sum over the workgroup, in every thread. Uniform control flow.
fn workgroup_sum(value: vec4f, invocation: Invocation) -> vec4f {
  partials[invocation.index] = value;
  workgroupBarrier();
  if (invocation.index < STRIDE) {
    var sum = vec4f();
    for (var i = invocation.index; i < WORKGROUP; i += STRIDE) { sum += partials[i]; }
    level[invocation.index] = sum;
  }
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < STRIDE; i++) { total += level[i]; }
  return total;
}
