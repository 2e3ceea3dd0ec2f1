import { f16ToF32, f32ToF16 } from '../../src/formats/floats.ts'

/** Elements that share one scale, in every block format here. */
export const BLOCK = 32

/** Bits of an f16 NaN: the scale of a block that holds NaN or infinity, so that none of it passes for a number. */
const NAN_SCALE = 0x7e00

/**
 * A format that keeps 32 weights as small integers and one f16 scale. Both functions handle the block whose weights start at
 * `data[at]`; its integers start at word `words[word]`.
 */
export interface BlockFormat {
  readonly wordsPerBlock: number
  /** Writes the integers, returns the bits of the scale. */
  quantize(data: Float32Array, at: number, words: Uint32Array, word: number): number
  dequantize(words: Uint32Array, word: number, scaleBits: number, data: Float32Array, at: number): void
}

/** The element of largest magnitude with its sign, the first among equals; NaN when the block holds NaN or infinity. */
function extreme(data: Float32Array, at: number): number {
  let value = 0
  let finite = true
  for (let i = at; i < at + BLOCK; i++) {
    const x = data[i] ?? 0
    if (!Number.isFinite(x)) finite = false
    if (Math.abs(x) > Math.abs(value)) value = x
  }
  return finite ? value : NaN
}

/** f16 bits of a scale; beyond f16's range the block cannot be represented. */
function scaleBits(scale: number): number {
  const bits = f32ToF16(scale)
  return (bits & 0x7c00) === 0x7c00 ? NAN_SCALE : bits
}

/**
 * ggml's q8_0: scale = max|x| / 127, integers rounded half away from zero against the f32 scale. Four int8 per word, in order.
 */
export const q8_0: BlockFormat = {
  wordsPerBlock: 8,
  quantize(data, at, words, word) {
    const max = extreme(data, at)
    const scale = Math.fround(Math.abs(max) / 127)
    const inverse = scale > 0 ? Math.fround(1 / scale) : 0
    const bits = scaleBits(scale)
    for (let w = 0; w < 8; w++) {
      let packed = 0
      for (let j = 0; j < 4; j++) {
        const x = Math.fround((data[at + w * 4 + j] ?? 0) * inverse)
        // Clamped because 1/scale of a subnormal scale is infinite.
        const q = Math.min(127, Math.trunc(Math.abs(x) + 0.5)) * Math.sign(x)
        packed |= (q & 0xff) << (8 * j)
      }
      words[word + w] = packed
    }
    return bits
  },
  dequantize(words, word, bits, data, at) {
    const scale = f16ToF32(bits)
    for (let i = 0; i < BLOCK; i++) {
      const packed = words[word + (i >> 2)] ?? 0
      data[at + i] = ((packed << (24 - 8 * (i & 3))) >> 24) * scale
    }
  },
}

/**
 * ggml's q4_0: scale = x of largest magnitude / −8, q = ⌊x / scale + 8.5⌋ in 0 … 15, meaning (q − 8) · scale. Byte j holds
 * element j in its low and element j + 16 in its high nibble.
 */
export const q4_0: BlockFormat = {
  wordsPerBlock: 4,
  quantize(data, at, words, word) {
    const scale = Math.fround(extreme(data, at) / -8)
    const inverse = scale !== 0 ? Math.fround(1 / scale) : 0
    const nibble = (i: number): number => {
      const x = Math.fround(Math.fround((data[at + i] ?? 0) * inverse) + 8.5)
      return Math.max(0, Math.min(15, Math.trunc(x)))
    }
    for (let w = 0; w < 4; w++) {
      let packed = 0
      for (let j = 0; j < 4; j++) {
        packed |= (nibble(w * 4 + j) | (nibble(w * 4 + j + 16) << 4)) << (8 * j)
      }
      words[word + w] = packed
    }
    return scaleBits(scale)
  },
  dequantize(words, word, bits, data, at) {
    const scale = f16ToF32(bits)
    for (let j = 0; j < 16; j++) {
      const byte = (words[word + (j >> 2)] ?? 0) >>> (8 * (j & 3))
      data[at + j] = ((byte & 15) - 8) * scale
      data[at + j + 16] = (((byte >>> 4) & 15) - 8) * scale
    }
  },
}
