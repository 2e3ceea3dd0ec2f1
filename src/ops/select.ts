import selectWgsl from '../../shaders/ops/select.wgsl?raw'
import { kernel, reduceProvider, type ProviderName } from '../gpu/providers.ts'
import type { ShaderSource } from '../gpu/shader.ts'
import type { Variant } from '../api/model.ts'

/** Most candidates the GPU keeps; the same number stands in the kernel. */
export const MAX_CANDIDATES = 256
const HEADER_WORDS = 8
export const RECORD_BYTES = (HEADER_WORDS + 2 * MAX_CANDIDATES) * 4

const NOT_FINITE = 1
const NOT_COVERED = 2

/** Top-k, log-sum-exp and the draw, for every row that needs logits. */
export function selectKernel(variant: Variant): ShaderSource {
  const reduction: ProviderName[] = variant.threadPerOutput
    ? ['select_invocation']
    : ['select_workgroup', reduceProvider(variant)]
  return kernel({ name: 'select', text: selectWgsl }, [...reduction, 'random'])
}

/** What the kernel found for one row. */
export interface SelectRecord {
  token: number
  /** Natural log of Σ e^logit over the whole vocabulary. */
  logSumExp: number
  /** A logit is NaN or infinite; nothing else holds. */
  notFinite: boolean
  /** The candidates do not decide the draw: full logits are needed. */
  notCovered: boolean
  /** The uniform number of the draw, null when greedy. */
  random: number | null
  /** Candidates, descending by logit, ties by lowest id. */
  ids: Uint32Array
  logits: Float32Array
}

export function parseRecord(buffer: ArrayBuffer, offset = 0): SelectRecord {
  const words = new Uint32Array(buffer, offset, RECORD_BYTES / 4)
  const floats = new Float32Array(buffer, offset, RECORD_BYTES / 4)
  const k = words[1] ?? 0
  const flags = words[3] ?? 0
  const random = floats[4] ?? -1
  return {
    token: words[0] ?? 0,
    logSumExp: floats[2] ?? NaN,
    notFinite: (flags & NOT_FINITE) !== 0,
    notCovered: (flags & NOT_COVERED) !== 0,
    random: random < 0 ? null : random,
    ids: words.slice(HEADER_WORDS, HEADER_WORDS + k),
    logits: floats.slice(HEADER_WORDS + MAX_CANDIDATES, HEADER_WORDS + MAX_CANDIDATES + k),
  }
}
