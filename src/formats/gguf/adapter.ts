import { TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import { readRange } from '../byteRange.ts'
import type { FileSource } from '../tensors.ts'
import { dequantise } from './dequantise.ts'
import { GgufFields } from './fields.ts'
import type { GgufHeader, GgufTensor } from './header.ts'
import { NameMap, nameTable } from './names.ts'
import { rowsOfCheckpoint } from './quirks.ts'
import { readGgufHeader } from './read.ts'

/** One tensor of an adapter in f32. */
export interface AdapterMatrix {
  dtype: 'F32'
  shape: readonly [rows: number, columns: number]
  values: Float32Array
}

/** A GGUF adapter as PEFT would have written it. */
export interface GgufAdapter {
  /** `general.architecture` of the base. */
  architecture: string
  /** Under PEFT's names: A `[rank, in]`, B `[out, rank]`. */
  tensors: ReadonlyMap<string, AdapterMatrix>
  /** adapter_config.json. */
  config: Record<string, unknown>
  remarks: readonly string[]
}

const PART = /^(.*)\.weight\.lora_([ab])$/
/** Larger factors are no low-rank adapter's. */
const MAX_TENSOR_BYTES = 2 ** 30
const KNOWN_KEYS = /^(general|adapter\.(type|lora)|GGUF|tokenizer)\b/

interface Factors {
  a?: GgufTensor
  b?: GgufTensor
}

/**
 * Reads a LoRA in GGUF.
 *
 * llama.cpp scales each pair by alpha / its rank, and by 1 where alpha is 0.
 * @param base Size of a head of the model it is for: files of some architectures have the rows of Q and K in another order.
 * @throws `bad-file`, `unsupported` (another kind of adapter or architecture, adapted experts), `network`, `aborted`.
 */
export async function readGgufAdapter(
  source: FileSource,
  file: string,
  base: { headDim: number },
  signal?: AbortSignal,
): Promise<GgufAdapter> {
  const header = await readGgufHeader(source, file, signal)
  const fields = new GgufFields(header.fields, file)
  const architecture = checkKind(fields)
  const names = namesFor(architecture, file)
  const tensors = new Map<string, AdapterMatrix>()
  const ranks = new Map<string, number>()
  for (const [stem, { a, b }] of pairsOf(header)) {
    const place = names.place(stem)
    if (!place || place.hf.includes('{e}')) throw unknownModule(file, stem, architecture)
    if (!a || !b) throw badFile(file, `${stem}.weight`, `a lora_${a ? 'a' : 'b'} alone`, 'lora_a and lora_b')
    const embedding = stem === 'token_embd'
    const matrixA = await readMatrix(source, a, signal)
    const matrixB = await readMatrix(source, b, signal)
    const turned = embedding ? transposed(matrixA) : matrixA
    const rank = turned.shape[0]
    if (rank < 1 || matrixB.shape[1] !== rank)
      throw badFile(file, b.name, `of rank ${matrixB.shape[1]}`, `rank ${rank}, as lora_a has`)
    const ordered = place.quirk === 'interleavedRows' ? reordered(matrixB, base.headDim, b) : matrixB
    const [nameA, nameB] = embedding
      ? ['lora_embedding_A', 'lora_embedding_B']
      : ['lora_A.weight', 'lora_B.weight']
    tensors.set(`base_model.model.${place.hf}.${nameA}`, turned)
    tensors.set(`base_model.model.${place.hf}.${nameB}`, ordered)
    ranks.set(place.hf, rank)
  }
  if (ranks.size === 0) throw badFile(file, 'tensors', 'none', 'pairs of lora_a and lora_b')
  const config = peftConfig(ranks, fields.number('adapter.lora.alpha'), architecture)
  return { architecture, tensors, config, remarks: remarksOn(fields) }
}

function checkKind(fields: GgufFields): string {
  const refuse = (key: string, got: string, expected: string): TokenscopeError =>
    new TokenscopeError('unsupported', `${fields.file}: ${key} is ${got}, expected ${expected}.`, {
      hint: 'This kind of adapter cannot be applied here; merge it into its base and load the result.',
      details: { file: fields.file, field: key, got, expected },
    })
  const kind = fields.text('general.type')
  if (kind !== 'adapter') throw fields.fail('general.type', '"adapter"')
  const type = fields.text('adapter.type')
  if (type !== 'lora') throw refuse('adapter.type', JSON.stringify(type.slice(0, 60)), '"lora"')
  const invocation = 'adapter.alora.invocation_tokens'
  if (fields.has(invocation)) throw refuse(invocation, 'there', 'nothing: it acts from some tokens on only')
  return fields.text('general.architecture')
}

export function namesFor(architecture: string, file: string): NameMap {
  const table = nameTable(architecture)
  if (table !== null) return new NameMap(table)
  const got = JSON.stringify(architecture.slice(0, 60))
  throw new TokenscopeError(
    'unsupported',
    `${file}: general.architecture is ${got}, whose tensors are not known.`,
    {
      hint: 'This kind of model cannot be run here yet.',
      details: { file, field: 'general.architecture', got, expected: 'an architecture that is read' },
    },
  )
}

export function unknownModule(file: string, stem: string, architecture: string): TokenscopeError {
  const got = JSON.stringify(stem)
  return new TokenscopeError(
    'unsupported',
    `${file}: ${got} is no module of ${architecture} that can be adapted.`,
    {
      hint: 'The adapter was made for another architecture, or adapts experts that lie in one tensor.',
      details: { file, field: stem, got, expected: `a module of ${architecture}` },
    },
  )
}

function pairsOf({ tensors, file }: GgufHeader): Map<string, Factors> {
  const pairs = new Map<string, Factors>()
  for (const tensor of tensors) {
    const [, stem, which] = PART.exec(tensor.name) ?? []
    if (stem === undefined || (which !== 'a' && which !== 'b'))
      throw badFile(file, tensor.name, 'no part of a LoRA', 'names in .weight.lora_a and .weight.lora_b')
    pairs.set(stem, { ...pairs.get(stem), [which]: tensor })
  }
  return pairs
}

async function readMatrix(
  source: FileSource,
  tensor: GgufTensor,
  signal?: AbortSignal,
): Promise<AdapterMatrix> {
  const { name, type, shape, file, offset, bytes } = tensor
  const [rows, columns] = shape
  if (rows === undefined || columns === undefined || shape.length !== 2)
    throw badFile(file, name, `of shape [${shape.join(', ')}]`, 'a matrix')
  if (bytes > MAX_TENSOR_BYTES) throw badFile(file, name, `${bytes} bytes`, `at most ${MAX_TENSOR_BYTES}`)
  return {
    dtype: 'F32',
    shape: [rows, columns],
    values: dequantise(type, await readRange(source, file, offset, offset + bytes, signal)),
  }
}

export function transposed({ dtype, shape: [rows, columns], values }: AdapterMatrix): AdapterMatrix {
  const turned = new Float32Array(values.length)
  for (let n = 0; n < values.length; n++) {
    turned[(n % columns) * rows + Math.floor(n / columns)] = values[n] ?? 0
  }
  return { dtype, shape: [columns, rows], values: turned }
}

function reordered(
  { dtype, shape, values }: AdapterMatrix,
  headDim: number,
  { name, file }: GgufTensor,
): AdapterMatrix {
  if (shape[0] % headDim !== 0) throw badFile(file, name, `${shape[0]} rows`, `heads of ${headDim} rows`)
  return { dtype, shape, values: rowsOfCheckpoint(values, shape[0], headDim) }
}

function peftConfig(
  ranks: ReadonlyMap<string, number>,
  alpha: number,
  architecture: string,
): Record<string, unknown> {
  const [rank = 1] = ranks.values()
  const others = [...ranks].filter(([, other]) => other !== rank)
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    r: rank,
    lora_alpha: alpha === 0 ? rank : alpha,
    target_modules: [...ranks.keys()],
    rank_pattern: Object.fromEntries(others),
    alpha_pattern: alpha === 0 ? Object.fromEntries(others) : {},
    fan_in_fan_out: architecture === 'gpt2',
    bias: 'none',
  }
}

function remarksOn(fields: GgufFields): string[] {
  const unused = [...fields.keys()].filter((key) => !KNOWN_KEYS.test(key))
  return unused.length === 0 ? [] : [`The file says more than is used: ${unused.slice(0, 5).join(', ')}.`]
}
