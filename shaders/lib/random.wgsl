// Philox4x32-10 (Salmon et al., SC 2011). The same code as src/maths/rng.ts, line by line; see there.

// High 32 bits of a * b, from 16-bit halves; no sum here exceeds 2^32 - 1.
fn random_multiply_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a1 * b0 + ((a0 * b0) >> 16u);
  let middle = a0 * b1 + (low & 0xffffu);
  return a1 * b1 + (low >> 16u) + (middle >> 16u);
}

fn random_philox4x32(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = random_multiply_high(0xd2511f53u, c.x);
    let high1 = random_multiply_high(0xcd9e8d57u, c.z);
    let low0 = 0xd2511f53u * c.x;
    let low1 = 0xcd9e8d57u * c.z;
    c = vec4u(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// In [0, 1), a multiple of 2^-24: exact in f32. `seed_hi` is the seed's bits from 32 up, `counter` the index of the token.
fn random_uniform(seed_lo: u32, seed_hi: u32, counter: u32) -> f32 {
  let word = random_philox4x32(vec4u(counter, 0u, 0u, 0u), vec2u(seed_lo, seed_hi)).x;
  return f32(word >> 8u) * 0x1p-24f;
}
