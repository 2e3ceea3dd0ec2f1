// Where select keeps what its threads gather: workgroup memory, with atomics between them (reduce provider).
const THREADS = WORKGROUP;
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> keys: array<u32, MAX_K>;
var<workgroup> ids: array<u32, MAX_K>;
var<workgroup> gathered: atomic<u32>;
var<workgroup> threshold: u32;
var<workgroup> wanted: u32; // how many keys equal to the threshold are still wanted
var<workgroup> bad: atomic<u32>;
var<workgroup> peaks: array<f32, WORKGROUP>;

fn wait() { workgroupBarrier(); }
fn agreed_threshold() -> u32 { return workgroupUniformLoad(&threshold); }
fn clear_bin(i: u32) { atomicStore(&bins[i], 0u); }
fn count_in_bin(i: u32) { atomicAdd(&bins[i], 1u); }
fn bin_count(i: u32) -> u32 { return atomicLoad(&bins[i]); }
fn clear_gathered() { atomicStore(&gathered, 0u); }
fn next_place() -> u32 { return atomicAdd(&gathered, 1u); }
fn gathered_count() -> u32 { return atomicLoad(&gathered); }
fn flag(bits: u32) { atomicOr(&bad, bits); }
fn clear_flags() { atomicStore(&bad, 0u); }
fn flags_set() -> u32 { return atomicLoad(&bad); }
fn sum_all(value: vec4f, invocation: Invocation) -> vec4f { return workgroup_sum(value, invocation); }
fn max_all(value: f32, invocation: Invocation) -> f32 {
  peaks[invocation.index] = value;
  workgroupBarrier();
  var peak = value;
  for (var i = 0u; i < WORKGROUP; i++) { peak = max(peak, peaks[i]); }
  return peak;
}
