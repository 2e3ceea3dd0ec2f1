import { TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import type { ConfigReader } from '../configReader.ts'
import type { Checkpoint, ScaleGroups, TensorInfo } from '../tensors.ts'
import {
  companion,
  evenPart,
  expectTensor,
  f32Bits,
  floatsOf,
  wordsOf,
  type PackedTensor,
  type PackedTensors,
} from './modules.ts'

/** Weights of a word. */
const PER_WORD = 8
/** Inputs of a unit on the GPU. */
const UNIT = 32
/** Bits of an f32 that f16 and bf16 leave empty, and that hold the zero point. */
const ZERO_BITS = 31

/** How a file packs its integers: GPTQ's way (Frantar et al. 2022), or that of AWQ's gemm kernels (Lin et al. 2023). */
interface Packing {
  readonly kind: 'gptq' | 'awq'
  /** Columns that share a scale; Infinity for all. */
  readonly group: number
  /** What is added to a stored zero point, of which four bits count. */
  readonly zeroShift: number
}

function packingOf(config: ConfigReader, kind: Packing['kind']): Packing {
  const bits = config.get('bits') ?? config.get('w_bit')
  if (bits !== 4) throw config.fail(config.get('bits') === undefined ? 'w_bit' : 'bits', '4', 'unsupported')
  const field = config.get('group_size') === undefined ? 'q_group_size' : 'group_size'
  const stated = config.get(field)
  const size = stated === -1 ? Infinity : config.count(field, { fallback: 128 })
  if (size !== Infinity && size % UNIT !== 0)
    throw config.fail(field, `a multiple of ${UNIT}, or -1`, 'unsupported')
  if (kind === 'awq') {
    const version = config.text('version', config.text('format', 'gemm')).toLowerCase()
    if (version !== 'gemm') throw config.fail('version', 'gemm, the layout that is read here', 'unsupported')
    return { kind, group: size, zeroShift: 0 }
  }
  const format = config.text('checkpoint_format', config.text('format', 'gptq'))
  if (format !== 'gptq' && format !== 'gptq_v2')
    throw config.fail('checkpoint_format', 'gptq or gptq_v2', 'unsupported')
  // The first version of the format stores zero points less one.
  return { kind, group: size, zeroShift: format === 'gptq' ? 1 : 0 }
}

/** Zero points of a row of packed words, one for each output. */
function zerosOf(words: Uint32Array, { kind, zeroShift }: Packing): Uint8Array {
  return Uint8Array.from({ length: words.length * PER_WORD }, (_, out) => {
    const n = out % PER_WORD
    const nibble = kind === 'gptq' ? n : (n >> 1) + 4 * (n & 1)
    return (((words[Math.floor(out / PER_WORD)] ?? 0) >>> (4 * nibble)) + zeroShift) & 15
  })
}

interface Module {
  readonly packing: Packing
  readonly inner: number
  readonly outs: number
  readonly scales: TensorInfo
  readonly zeros: TensorInfo
  readonly order: TensorInfo | undefined
}

/** Groups of columns in the order of the columns, as the products here take them. */
function checkOrder({ order, packing, inner }: Module, bytes: ReadonlyMap<string, Uint8Array>): void {
  if (!order) return
  const groups = wordsOf(order.name, bytes)
  const at = groups.findIndex((group, i) => group !== Math.floor(i / Math.min(packing.group, inner)))
  if (at < 0) return
  throw new TokenscopeError(
    'unsupported',
    `${order.file}: ${order.name}[${at}] is ${groups[at]}, expected ${Math.floor(at / packing.group)}: its columns are grouped in the order of activations.`,
    {
      hint: 'Products here take groups of neighbouring columns: use a file made with desc_act false, or with static groups.',
      details: {
        file: order.file,
        field: order.name,
        got: groups[at],
        expected: 'groups of neighbouring columns',
      },
    },
  )
}

/** A word for every output and group: the scale's f32 bits with the zero point in the last five. */
function groupWords(module: Module, columns: number, bytes: ReadonlyMap<string, Uint8Array>): Uint32Array {
  checkOrder(module, bytes)
  const { packing, inner, outs, scales, zeros } = module
  const values = f32Bits(floatsOf(scales, bytes))
  if (values.some((word) => (word & ZERO_BITS) !== 0))
    throw badFile(scales.file, scales.name, 'of more than 19 significant bits', 'scales of f16 or bf16')
  const zero = zerosOf(wordsOf(zeros.name, bytes), packing)
  const rowGroups = Math.ceil(inner / Math.min(columns, inner))
  const words = new Uint32Array(outs * rowGroups)
  for (let g = 0; g < rowGroups; g++) {
    const stored = packing.group === Infinity ? 0 : Math.floor((g * columns) / packing.group)
    for (let out = 0; out < outs; out++) {
      const at = stored * outs + out
      words[out * rowGroups + g] = (values[at] ?? 0) | (zero[at] ?? 0)
    }
  }
  return words
}

function openModule(checkpoint: Checkpoint, stored: TensorInfo, packing: Packing): PackedTensor {
  const { file, name, shape, begin, end } = stored
  const stem = name.slice(0, -'.qweight'.length)
  const [a = 0, b = 0] = shape
  const [inner, outs] = packing.kind === 'gptq' ? [a * PER_WORD, b] : [a, b * PER_WORD]
  if (shape.length !== 2 || inner % UNIT !== 0 || outs % PER_WORD !== 0 || stored.dtype !== 'I32')
    throw badFile(
      file,
      `${name}.shape`,
      `${stored.dtype} [${shape.join(', ')}]`,
      `I32 words of ${PER_WORD} weights, of a multiple of ${UNIT} inputs and of ${PER_WORD} outputs`,
    )
  const groups = packing.group === Infinity ? 1 : Math.ceil(inner / packing.group)
  const scales = companion(checkpoint, stored, `${stem}.scales`, 'the scales')
  const zeros = companion(checkpoint, stored, `${stem}.qzeros`, 'the zero points')
  const order = checkpoint.tensors.get(`${stem}.g_idx`)
  expectTensor(scales, [[groups, outs]], ['F16', 'BF16', 'F32'])
  expectTensor(zeros, [[groups, outs / PER_WORD]], ['I32'])
  if (order) expectTensor(order, [[inner]], ['I32'])
  const columns = packing.group === Infinity ? Infinity : evenPart(packing.group)
  const module = { packing, inner, outs, scales, zeros, order }
  const info: ScaleGroups = {
    columns,
    packing: packing.kind,
    companions: [scales.name, zeros.name, ...(order ? [order.name] : [])],
    scales: (bytes) => groupWords(module, columns, bytes),
  }
  const place = { file, begin, end, name: `${stem}.weight` }
  return { stored: name, tensor: { ...place, dtype: 'INT4', shape: [outs, inner], groups: info } }
}

/** The four-bit modules of GPTQ and AWQ: `qweight` with `scales`, `qzeros` and for GPTQ `g_idx`. */
export function openInt4(checkpoint: Checkpoint, config: ConfigReader, kind: 'gptq' | 'awq'): PackedTensors {
  const packing = packingOf(config, kind)
  const packed = [...checkpoint.tensors.values()]
    .filter(({ name }) => name.endsWith('.qweight'))
    .map((tensor) => openModule(checkpoint, tensor, packing))
  return { packed, unused: [], remarks: [] }
}
