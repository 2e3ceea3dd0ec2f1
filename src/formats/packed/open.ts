import type { TokenscopeError } from '../../errors.ts'
import { badFile } from '../badFile.ts'
import { ConfigReader } from '../configReader.ts'
import { parseStrictJson, type JsonValue } from '../strictJson.ts'
import type { Checkpoint, FileSource, TensorInfo } from '../tensors.ts'
import { f8Scheme, openF8 } from './f8.ts'
import { FIELD } from './isPacked.ts'
import { openFp4 } from './fp4.ts'
import { openInt4 } from './int4.ts'
import type { PackedTensors } from './modules.ts'
import { openNf4 } from './nf4.ts'

/** A checkpoint whose packed tensors stand under the names and shapes of the weights they hold. */
export interface PackedCheckpoint {
  /** The configuration without what it said of the packing. */
  readonly config: JsonValue
  readonly checkpoint: Checkpoint
  readonly remarks: readonly string[]
}

const READ =
  'fp8, compressed-tensors and fbgemm_fp8 (eight-bit floats), bitsandbytes nf4, gptq and awq of four bits, mxfp4 (gpt-oss)'

function refusedInt8(config: ConfigReader): TokenscopeError {
  return config.fail(
    'load_in_8bit',
    'false: nf4 is read, int8 (LLM.int8) is not, for its products split their inputs by outliers',
    'unsupported',
    'Use the unquantised checkpoint with weights q8_0, or one quantised to nf4.',
  )
}

async function openBy(
  method: string,
  config: ConfigReader,
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): Promise<PackedTensors> {
  switch (method) {
    case 'bitsandbytes':
      if (config.flag('load_in_8bit', false)) throw refusedInt8(config)
      return openNf4(checkpoint, signal)
    case 'gptq':
    case 'awq':
      return openInt4(checkpoint, config, method)
    case 'mxfp4':
      return openFp4(checkpoint)
    case 'fp8':
    case 'fbgemm_fp8':
    case 'compressed-tensors':
      return openF8(checkpoint, f8Scheme(config, method))
    default:
      throw config.fail(
        'quant_method',
        READ,
        'unsupported',
        'Use the unquantised checkpoint; weights can be quantised here while loading.',
      )
  }
}

/** What names the method where a configuration leaves it to what stands in it. */
function methodOf(config: ConfigReader): string {
  const guessed = config.get('load_in_4bit') ?? config.get('load_in_8bit')
  return config.text('quant_method', guessed === undefined ? undefined : 'bitsandbytes').toLowerCase()
}

/** Files that the first versions of GPTQ and AWQ put beside config.json. */
const BESIDE = { 'quantize_config.json': 'gptq', 'quant_config.json': 'awq' } as const
const BESIDE_BYTES = 1 << 20

/** What packs four-bit integers that config.json does not speak of. */
async function sectionBeside(
  { tensors }: Checkpoint,
  source: FileSource,
  signal?: AbortSignal,
): Promise<ConfigReader | null> {
  const packed = [...tensors.values()].find(({ name }) => name.endsWith('.qweight'))
  if (!packed) return null
  for (const [file, method] of Object.entries(BESIDE)) {
    if (!(await source.has(file))) continue
    const written = parseStrictJson(await source.read(file, { maxBytes: BESIDE_BYTES, signal }), file)
    const fields = typeof written === 'object' && written !== null ? written : {}
    return new ConfigReader({ quant_method: method, ...fields }, file)
  }
  throw badFile(
    'config.json',
    FIELD,
    'missing',
    `there, because ${packed.name} is packed`,
    `Add the ${Object.keys(BESIDE).join(' or ')} that the model was published with.`,
  )
}

/** GPT-2's projections, which hold [in, out] unless a method turns them. */
const CONV_1D = /\.(c_attn|c_proj|c_fc|q_attn)\.weight$/

/** A packed tensor always holds [out, in]. */
function turned(tensor: TensorInfo, modelType: unknown): TensorInfo {
  if (modelType !== 'gpt2' || tensor.dtype.startsWith('F8_') || !CONV_1D.test(tensor.name)) return tensor
  return { ...tensor, shape: tensor.shape.toReversed(), quirk: { kind: 'turned' } }
}

function over(inner: Checkpoint, { packed, unused }: PackedTensors, modelType: unknown): Checkpoint {
  const pairs = packed.map(({ stored, tensor }) => ({ stored, tensor: turned(tensor, modelType) }))
  const byStored = new Map(pairs.map(({ stored, tensor }) => [stored, tensor]))
  const owners = new Map(
    pairs.flatMap(({ tensor }) =>
      (tensor.groups?.companions ?? []).map((name) => [name, tensor.name] as const),
    ),
  )
  const hidden = new Set([...byStored.keys(), ...owners.keys(), ...unused])
  const tensors = new Map([...inner.tensors].filter(([name]) => !hidden.has(name)))
  for (const tensor of byStored.values()) tensors.set(tensor.name, tensor)
  const bytesOf = (names: Iterable<TensorInfo>): number =>
    [...names].reduce((sum, { begin, end }) => sum + end - begin, 0)
  const companions = [...owners.keys()].flatMap((name) => inner.tensors.get(name) ?? [])
  return {
    tensors,
    totalBytes: bytesOf(tensors.values()) + bytesOf(companions),
    read: (wanted, sink, options) =>
      inner.read(
        (name) => wanted(owners.get(name) ?? byStored.get(name)?.name ?? name),
        (tensor, offset, chunk) => sink(byStored.get(tensor.name) ?? tensor, offset, chunk),
        options,
      ),
  }
}

/**
 * Opens the packed tensors of a checkpoint: descriptions are read and checked, weights and scales are not.
 * @throws `unsupported` for a method or a variant that is not read, naming it; `bad-file` for tensors that are missing or disagree.
 */
export async function openPacked(
  config: JsonValue,
  checkpoint: Checkpoint,
  { source, signal }: { source: FileSource; signal?: AbortSignal | undefined },
): Promise<PackedCheckpoint> {
  const fields = new ConfigReader(config, 'config.json')
  const section = fields.section(FIELD) ?? (await sectionBeside(checkpoint, source, signal))
  const opened = section
    ? await openBy(methodOf(section), section, checkpoint, signal)
    : openF8(checkpoint, f8Scheme(null, ''))
  if (section && opened.packed.length === 0)
    throw section.fail(
      'quant_method',
      'the way that tensors of the checkpoint are packed: none is',
      'unsupported',
      'config.json and the weights do not belong together; use those that were published together.',
    )
  const rest = Object.fromEntries(
    Object.entries(config as Record<string, JsonValue>).filter(([name]) => name !== FIELD),
  )
  return {
    config: rest,
    checkpoint: over(checkpoint, opened, fields.get('model_type')),
    remarks: opened.remarks,
  }
}
