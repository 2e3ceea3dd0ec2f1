// Where select keeps what it gathers when one thread does a row: its own memory. CPU adapters compile this many times faster
// than workgroup memory with atomics and barriers.
struct Invocation {
  @builtin(local_invocation_index) index: u32,
}
const THREADS = 1u;
var<private> bins: array<u32, 256>;
var<private> keys: array<u32, MAX_K>;
var<private> ids: array<u32, MAX_K>;
var<private> gathered: u32;
var<private> threshold: u32;
var<private> wanted: u32; // how many keys equal to the threshold are still wanted
var<private> bad: u32;

fn wait() {}
fn agreed_threshold() -> u32 { return threshold; }
fn clear_bin(i: u32) { bins[i] = 0u; }
fn count_in_bin(i: u32) { bins[i] += 1u; }
fn bin_count(i: u32) -> u32 { return bins[i]; }
fn clear_gathered() { gathered = 0u; }
fn next_place() -> u32 {
  gathered += 1u;
  return gathered - 1u;
}
fn gathered_count() -> u32 { return gathered; }
fn flag(bits: u32) { bad |= bits; }
fn clear_flags() { bad = 0u; }
fn flags_set() -> u32 { return bad; }
fn sum_all(value: vec4f, invocation: Invocation) -> vec4f { return value; }
fn max_all(value: f32, invocation: Invocation) -> f32 { return value; }
