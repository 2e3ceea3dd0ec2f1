import { TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import { readRange } from '../byteRange.ts'
import type { FileSource } from '../tensors.ts'
import { GGUF_ARCHITECTURES, type GgufArchitecture, type HfConfig } from './architectures.ts'
import { ArchitectureFields } from './archFields.ts'
import { dequantise, READABLE_TYPES, unreadable } from './dequantise.ts'
import type { GgufFields } from './fields.ts'
import type { GgmlTypeName } from './ggmlTypes.ts'
import type { GgufTensor } from './header.ts'
import { DERIVED_TENSORS, NameMap, type QuirkKind } from './names.ts'
import type { GgufQuirk } from './quirks.ts'
import type { RopeFactors } from './ropeScaling.ts'
import { readGgufFiles, type GgufFiles } from './split.ts'

/** One tensor under the name that Hugging Face's checkpoint has for it. */
export interface GgufModelTensor {
  ggufName: string
  type: GgmlTypeName
  /** Of the bytes as they lie: row-major, outermost first, so `[out, in]` for every matrix. */
  shape: readonly number[]
  file: string
  /** First byte in the file. */
  offset: number
  bytes: number
  /** What must be put right to get the checkpoint's values; null when nothing. */
  quirk: GgufQuirk | null
}

/** A GGUF model as a checkpoint: what stands elsewhere in config.json and model.safetensors. */
export interface GgufModel {
  /** `general.architecture`. */
  architecture: string
  config: HfConfig
  tensors: ReadonlyMap<string, GgufModelTensor>
  /** The files and what each must measure at least. */
  files: readonly { name: string; bytes: number }[]
  fields: GgufFields
  /** `tokenizer.chat_template`, null when there is none. */
  chatTemplate: string | null
  /** What the file has and nothing here uses, or says twice in different words. */
  remarks: readonly string[]
}

/**
 * Opens a GGUF model: its headers are read and checked, and a few small tensors that belong to the config. `file` may be any
 * part of a split one.
 *
 * @throws `bad-file`, `unsupported` (architecture, tensor type, rotary scaling), `network`, `aborted`.
 */
export async function openGguf(source: FileSource, file: string, signal?: AbortSignal): Promise<GgufModel> {
  const files = await readGgufFiles(source, file, signal)
  const read = async (name: string): Promise<Float32Array | null> => {
    const tensor = files.tensors.get(name)
    return tensor === undefined ? null : readSmall(source, tensor, signal)
  }
  return buildGgufModel(files, {
    freqs: await read('rope_freqs.weight'),
    long: await read('rope_factors_long.weight'),
    short: await read('rope_factors_short.weight'),
  })
}

const MAX_FACTORS_BYTES = 1024 * 1024

async function readSmall(
  source: FileSource,
  tensor: GgufTensor,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { name, file, offset, bytes, type } = tensor
  if (bytes > MAX_FACTORS_BYTES) throw badFile(file, name, `${bytes} bytes`, `at most ${MAX_FACTORS_BYTES}`)
  return dequantise(type, await readRange(source, file, offset, offset + bytes, signal))
}

/** The model of headers already read. */
export function buildGgufModel(files: GgufFiles, factors: RopeFactors): GgufModel {
  const { fields, tensors, headers } = files
  const kind = fields.text('general.type', 'model')
  if (kind !== 'model') throw fields.fail('general.type', '"model"')
  const name = fields.text('general.architecture')
  const architecture = knownArchitecture(name, fields)
  const arch = new ArchitectureFields(name, fields, (tensor) => tensors.has(tensor), factors)
  const remarks: string[] = []
  const placed = placeTensors(files, architecture, arch, remarks)
  const config = { ...architecture.config(arch), ...vocabulary(files, arch, remarks), ...specialIds(fields) }
  const template = 'tokenizer.chat_template'
  return {
    architecture: name,
    config,
    tensors: placed,
    files: headers.map(({ file, fileBytes }) => ({ name: file, bytes: fileBytes })),
    fields,
    chatTemplate: fields.has(template) ? fields.text(template) : null,
    remarks,
  }
}

function knownArchitecture(name: string, { file }: GgufFields): GgufArchitecture {
  const supported = GGUF_ARCHITECTURES.find((architecture) => architecture.name === name)
  if (supported) return supported
  const expected = GGUF_ARCHITECTURES.map((architecture) => architecture.name).join(', ')
  const got = JSON.stringify(name.slice(0, 60))
  throw new TokenscopeError(
    'unsupported',
    `${file}: general.architecture is ${got}, expected one of ${expected}.`,
    {
      hint: 'This kind of model cannot be run here yet.',
      details: { file, field: 'general.architecture', got, expected },
    },
  )
}

function placeTensors(
  { tensors }: GgufFiles,
  architecture: GgufArchitecture,
  arch: ArchitectureFields,
  remarks: string[],
): Map<string, GgufModelTensor> {
  const map = new NameMap(architecture.names(arch))
  const placed = new Map<string, GgufModelTensor>()
  const unused: string[] = []
  for (const tensor of tensors.values()) {
    const place = map.place(tensor.name)
    if (place === null) {
      if (!DERIVED_TENSORS.test(tensor.name)) unused.push(tensor.name)
      continue
    }
    if (!READABLE_TYPES.includes(tensor.type)) throw unreadable(tensor.type, `${tensor.file}: ${tensor.name}`)
    for (const [hf, entry] of expertsOf(place.hf, withQuirk(tensor, place.quirk, arch))) {
      const other = placed.get(hf)
      if (other) throw badFile(tensor.file, tensor.name, `there beside ${other.ggufName}`, 'one of the two')
      placed.set(hf, entry)
    }
  }
  if (unused.length > 0) {
    const more = unused.length > 5 ? ` and ${unused.length - 5} more` : ''
    remarks.push(
      `The file holds tensors this architecture does not use: ${unused.slice(0, 5).join(', ')}${more}.`,
    )
  }
  return placed
}

function withQuirk(tensor: GgufTensor, kind: QuirkKind | null, arch: ArchitectureFields): GgufModelTensor {
  const { name: ggufName, ...place } = tensor
  return { ggufName, ...place, quirk: kind === null ? null : quirkOf(kind, tensor, arch) }
}

function quirkOf(kind: QuirkKind, { name, file, shape }: GgufTensor, arch: ArchitectureFields): GgufQuirk {
  if (kind !== 'interleavedRows') return { kind }
  const { headDim } = arch
  const rows = shape[0] ?? 0
  if (headDim % 2 !== 0 || rows % headDim !== 0)
    throw badFile(file, name, `${rows} rows`, `heads of ${headDim} rows, an even number`)
  return { kind, heads: rows / headDim, headDim }
}

const MAX_EXPERTS = 4096

/** The matrices of a tensor that holds one for each expert, `[experts, out, in]`; else the tensor itself. */
function expertsOf(hf: string, tensor: GgufModelTensor): [name: string, tensor: GgufModelTensor][] {
  if (!hf.includes('{e}')) return [[hf, tensor]]
  const { ggufName, file, shape, offset, bytes } = tensor
  const [experts = 0, ...matrix] = shape
  if (matrix.length < 1 || experts < 1 || experts > MAX_EXPERTS)
    throw badFile(
      file,
      ggufName,
      `of shape [${shape.join(', ')}]`,
      `[experts, out, in], at most ${MAX_EXPERTS} experts`,
    )
  const each = bytes / experts
  return Array.from({ length: experts }, (_, e) => [
    hf.replace('{e}', String(e)),
    { ...tensor, shape: matrix, offset: offset + e * each, bytes: each },
  ])
}

/** `vocab_size` and `tie_word_embeddings`, from the embedding's rows and the list of tokens. */
function vocabulary({ fields, tensors }: GgufFiles, arch: ArchitectureFields, remarks: string[]): HfConfig {
  const embedding = tensors.get('token_embd.weight')
  const rows = embedding?.shape[0]
  if (rows === undefined || rows < 1 || embedding?.shape.length !== 2)
    throw badFile(
      fields.file,
      'token_embd.weight',
      embedding ? `of shape [${embedding.shape.join(', ')}]` : 'missing',
      'a matrix',
    )
  const key = 'tokenizer.ggml.tokens'
  if (fields.has(key)) {
    const tokens = fields.strings(key).length
    if (tokens < rows)
      throw badFile(
        fields.file,
        key,
        `a list of ${tokens}`,
        `one token for each of the ${rows} rows of the embedding`,
      )
    if (tokens > rows)
      remarks.push(
        `The file lists ${tokens} tokens; the embedding has ${rows} rows, and the rest cannot be used.`,
      )
  }
  const stated = arch.count('vocab_size', { fallback: rows })
  if (stated !== rows) remarks.push(`The file says it has ${stated} tokens; the embedding has ${rows} rows.`)
  return { vocab_size: rows, tie_word_embeddings: !tensors.has('output.weight') }
}

/** End ids are those of the text and of a turn. */
function specialIds(fields: GgufFields): HfConfig {
  const ids = (...names: string[]): number[] =>
    names
      .map((name) => `tokenizer.ggml.${name}_token_id`)
      .filter((key) => fields.has(key))
      .map((key) => fields.count(key))
  const [bos = null] = ids('bos')
  const [pad = null] = ids('padding')
  return { bos_token_id: bos, eos_token_id: [...new Set(ids('eos', 'eot'))], pad_token_id: pad }
}
