import type { Checkpoint, ScaleGroups, TensorInfo } from '../tensors.ts'
import { badFile } from '../badFile.ts'
import {
  bytesOf,
  companion,
  expectTensor,
  f32Bits,
  type PackedTensor,
  type PackedTensors,
} from './modules.ts'

/** Weights of a block, which share an exponent, and the bytes they take. */
const BLOCK = 32
const BLOCK_BYTES = BLOCK / 2
/** Added to an exponent of two in the file. */
const BIAS = 127

/** The sixteen values of e2m1 (OCP Microscaling Formats 1.0). */
export const FP4_LEVELS = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6)

/** Row of the file that is row `row` here: of gates and ups in turns, the gates come first. */
const rowOfFile = (row: number, rows: number, inTurns: boolean): number =>
  inTurns ? 2 * (row % (rows / 2)) + Math.floor(row / (rows / 2)) : row

function openMatrices(checkpoint: Checkpoint, stored: TensorInfo): PackedTensor {
  const { file, name, shape, begin, end } = stored
  const stem = name.slice(0, -'_blocks'.length)
  const [experts = 0, rows = 0, blocks = 0, bytes = 0, ...more] = shape
  if (more.length > 0 || bytes !== BLOCK_BYTES || stored.dtype !== 'U8')
    throw badFile(
      file,
      `${name}.shape`,
      `${stored.dtype} [${shape.join(', ')}]`,
      `U8 [experts, outputs, blocks, ${BLOCK_BYTES}]`,
    )
  const scales = companion(checkpoint, stored, `${stem}_scales`, 'the exponents')
  expectTensor(scales, [[experts, rows, blocks]], ['U8'])
  const inTurns = stem.endsWith('gate_up_proj')
  const groups: ScaleGroups = {
    columns: BLOCK,
    packing: 'rows',
    companions: [scales.name],
    scales: (delivered) => {
      const exponents = bytesOf(scales.name, delivered)
      const values = new Float32Array(exponents.length)
      for (let row = 0, at = 0; row < experts * rows; row++) {
        const matrixRow = row % rows
        const from = (row - matrixRow + rowOfFile(matrixRow, rows, inTurns)) * blocks
        for (let b = 0; b < blocks; b++) values[at++] = 2 ** ((exponents[from + b] ?? 0) - BIAS)
      }
      return f32Bits(values)
    },
  }
  const quirk = inTurns ? ({ kind: 'interleaved', headRows: rows } as const) : undefined
  const tensor = {
    file,
    begin,
    end,
    name: stem,
    dtype: 'FP4',
    shape: [experts, rows, blocks * BLOCK],
  } as const
  return { stored: name, tensor: { ...tensor, quirk, groups } }
}

/** Experts of gpt-oss as published: `x_blocks` of 32 four-bit floats each, `x_scales` with an exponent for every block. */
export function openFp4(checkpoint: Checkpoint): PackedTensors {
  const packed = [...checkpoint.tensors.values()]
    .filter(({ name }) => name.endsWith('_blocks'))
    .map((tensor) => openMatrices(checkpoint, tensor))
  return { packed, unused: [], remarks: [] }
}
