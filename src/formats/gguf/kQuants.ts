import { half, type DequantiseBlock } from './block.ts'

const { fround } = Math

/** Scale and minimum of the eight runs of Q4_K and Q5_K, six bits each in twelve bytes from `at` on. */
function scaleAndMin(bytes: DataView, at: number, run: number): [scale: number, min: number] {
  const low = bytes.getUint8(at + (run & 3))
  const middle = bytes.getUint8(at + 4 + (run & 3))
  if (run < 4) return [low & 63, middle & 63]
  const rest = bytes.getUint8(at + 8 + (run & 3))
  return [(rest & 15) | ((low >> 2) & 48), (rest >> 4) | ((middle >> 2) & 48)]
}

/** Sixteen runs of 16: d · scale · q − dmin · min, scale and min of four bits, q of two. */
export const q2K: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at + 80)
  const dmin = half(bytes, at + 82)
  for (let run = 0; run < 16; run++) {
    const packed = bytes.getUint8(at + run)
    const scale = fround(d * (packed & 15))
    const min = fround(dmin * (packed >> 4))
    // Eight runs share 32 bytes, two of them one pair of bits.
    const from = at + 16 + 32 * (run >> 3) + 16 * (run & 1)
    const shift = 2 * ((run >> 1) & 3)
    for (let n = 0; n < 16; n++) {
      const q = (bytes.getUint8(from + n) >> shift) & 3
      out[to + 16 * run + n] = fround(fround(scale * q) - min)
    }
  }
}

/** The six-bit scale of a run of Q3_K, less 32: low halves of eight bytes, then pairs of bits of four. */
function q3Scale(bytes: DataView, at: number, run: number): number {
  const low = (bytes.getUint8(at + (run & 7)) >> (run < 8 ? 0 : 4)) & 15
  const high = (bytes.getUint8(at + 8 + (run & 3)) >> (2 * (run >> 2))) & 3
  return (low | (high << 4)) - 32
}

/** Sixteen runs of 16: d · scale · (q − 4), the third bit of q in 32 bytes before the others. */
export const q3K: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at + 108)
  for (let run = 0; run < 16; run++) {
    const scale = fround(d * q3Scale(bytes, at + 96, run))
    const within = 16 * (run & 1)
    const from = at + 32 + 32 * (run >> 3) + within
    const shift = 2 * ((run >> 1) & 3)
    for (let n = 0; n < 16; n++) {
      const high = (bytes.getUint8(at + within + n) >> (run >> 1)) & 1
      const q = ((bytes.getUint8(from + n) >> shift) & 3) - (high === 1 ? 0 : 4)
      out[to + 16 * run + n] = fround(scale * q)
    }
  }
}

/** Eight runs of 32: d · scale · q − dmin · min, q of four bits. */
export const q4K: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  const dmin = half(bytes, at + 2)
  for (let run = 0; run < 8; run++) {
    const [six, sixMin] = scaleAndMin(bytes, at + 4, run)
    const scale = fround(d * six)
    const min = fround(dmin * sixMin)
    const from = at + 16 + 32 * (run >> 1)
    for (let n = 0; n < 32; n++) {
      const q = (bytes.getUint8(from + n) >> (4 * (run & 1))) & 15
      out[to + 32 * run + n] = fround(fround(scale * q) - min)
    }
  }
}

/** As Q4_K, with the fifth bits of run r in bit r of 32 bytes. */
export const q5K: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  const dmin = half(bytes, at + 2)
  for (let run = 0; run < 8; run++) {
    const [six, sixMin] = scaleAndMin(bytes, at + 4, run)
    const scale = fround(d * six)
    const min = fround(dmin * sixMin)
    const from = at + 48 + 32 * (run >> 1)
    for (let n = 0; n < 32; n++) {
      const low = (bytes.getUint8(from + n) >> (4 * (run & 1))) & 15
      const q = low | (((bytes.getUint8(at + 16 + n) >> run) & 1) << 4)
      out[to + 32 * run + n] = fround(fround(scale * q) - min)
    }
  }
}

/** Eight runs of 32, each with two int8 scales: d · scale · (q − 32), four low bits and two high ones. */
export const q6K: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at + 208)
  for (let run = 0; run < 8; run++) {
    // Four runs share 64 bytes of low halves and 32 of high pairs.
    const from = at + 64 * (run >> 2) + 32 * (run & 1)
    const lowShift = 4 * ((run >> 1) & 1)
    const highAt = at + 128 + 32 * (run >> 2)
    for (let n = 0; n < 32; n++) {
      const scale = fround(d * bytes.getInt8(at + 192 + 2 * run + (n >> 4)))
      const low = (bytes.getUint8(from + n) >> lowShift) & 15
      const q = (low | (((bytes.getUint8(highAt + n) >> (2 * (run & 3))) & 3) << 4)) - 32
      out[to + 32 * run + n] = fround(scale * q)
    }
  }
}
