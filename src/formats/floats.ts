import type { TensorType } from './tensors.ts'
import { invariant } from '../errors.ts'

const f32 = new Float32Array(1)
const bits = new Uint32Array(f32.buffer)

/**
 * IEEE binary16 bits of a number, rounded to nearest even (through f32, which is what checkpoints are read as).
 * Overflow becomes infinity, NaN stays a (quiet) NaN, subnormals are kept.
 */
export function f32ToF16(value: number): number {
  f32[0] = value
  return halfBits(bits[0] ?? 0)
}

/** f16 bits of f32 bits. */
function halfBits(x: number): number {
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // From 65520 on, rounding reaches 2^16.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Below 2^-14: beside 0.5 an f32 has steps of 2^-24, f16's subnormal step, so the addition itself rounds to even.
    bits[0] = magnitude
    f32[0] = (f32[0] ?? 0) + 0.5
    return sign | ((bits[0] ?? 0) - 0x3f000000)
  }
  const odd = (magnitude >>> 13) & 1
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13)
}

/** Writes the f16 bits of `values` to `out` from `at` on. */
export function narrowToHalves(values: Float32Array, out: Uint16Array, at: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < values.length; i++) out[at + i] = halfBits(words[i] ?? 0)
}

/** The exact value of binary16 bits. */
export function f16ToF32(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = half & 0x7c00
  const mantissa = half & 0x3ff
  if (exponent === 0) return (sign === 0 ? 1 : -1) * mantissa * 2 ** -24
  bits[0] =
    sign | (exponent === 0x7c00 ? 0x7f800000 | (mantissa << 13) : ((half & 0x7fff) << 13) + 0x38000000)
  return f32[0] ?? 0
}

/** bfloat16 bits, rounded to nearest even; NaN stays NaN. */
export function f32ToBf16(value: number): number {
  f32[0] = value
  const x = bits[0] ?? 0
  if ((x & 0x7fffffff) > 0x7f800000) return (x >>> 16) | 0x40
  return ((x + 0x7fff + ((x >>> 16) & 1)) >>> 16) & 0xffff
}

export function bf16ToF32(value: number): number {
  bits[0] = value << 16
  return f32[0] ?? 0
}

/** Checkpoint bytes (little-endian, any alignment, whole elements) as f32. F64 is rounded; nothing else is a weight. */
export function decodeFloats(dtype: TensorType, bytes: Uint8Array): Float32Array {
  if (dtype === 'F32') return new Float32Array(aligned(bytes, 4))
  if (dtype === 'F16') return widenHalves(new Uint16Array(aligned(bytes, 2)))
  if (dtype === 'BF16') return widenBfloats(new Uint16Array(aligned(bytes, 2)))
  invariant(dtype === 'F64', `weights are floating point, got ${dtype}`)
  return Float32Array.from(new Float64Array(aligned(bytes, 8)))
}

/** A buffer of exactly these bytes, copied so that it starts on a whole element. */
function aligned(bytes: Uint8Array, size: number): ArrayBuffer {
  invariant(bytes.byteLength % size === 0, 'chunks fall on whole elements')
  const copy = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(copy).set(bytes)
  return copy
}

function widenBfloats(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length)
  const outBits = new Uint32Array(out.buffer)
  for (let i = 0; i < values.length; i++) outBits[i] = (values[i] ?? 0) << 16
  return out
}

/** Exact values of binary16 bits: moved up and rescaled by a multiplication, which also handles subnormals. */
export function widenHalves(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length)
  const outBits = new Uint32Array(out.buffer)
  for (let i = 0; i < values.length; i++) {
    const half = values[i] ?? 0
    outBits[i] = (half & 0x7fff) << 13
    // 2^112 takes the exponent from f16's bias to f32's.
    out[i] = (out[i] ?? 0) * 2 ** 112
    if ((half & 0x7c00) === 0x7c00) outBits[i] = 0x7f800000 | ((half & 0x3ff) << 13)
    if (half & 0x8000) outBits[i] = (outBits[i] ?? 0) | 0x80000000
  }
  return out
}
