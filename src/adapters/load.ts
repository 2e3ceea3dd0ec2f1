import { TokenscopeError } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import { openSafetensors } from '../formats/checkpoint.ts'
import { findGguf } from '../formats/gguf/find.ts'
import { dtypeBytes } from '../formats/safetensors.ts'
import type { Checkpoint, FileSource } from '../formats/tensors.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { decodeFloats } from '../formats/floats.ts'
import type { AdapterTensor } from './adapterTensors.ts'
import { CONFIG_FILE, parseAdapterConfig } from './config.ts'
import { parseAdapter } from './parse.ts'
import type { ParsedAdapter } from './types.ts'
import { isMlxConfig, MLX_WEIGHTS_FILE, readMlxAdapter } from './mlx.ts'
import { withoutAdapterName } from './adapterName.ts'

export const WEIGHTS_FILE = 'adapter_model.safetensors'
const MAX_CONFIG_BYTES = 1024 * 1024
/** Whole adapters are held in memory as f32; the largest with replaced embeddings stay well below. */
const MAX_WEIGHT_BYTES = 4 * 1024 ** 3
const PICKLE = /\.(bin|pt|pth|ckpt|pkl)$/
const FLOATS: readonly string[] = ['F64', 'F32', 'F16', 'BF16']

export interface LoadAdapterOptions {
  /** Default: the source's label. */
  name?: string | undefined
  /** Names the loaded model goes by. */
  baseNames?: readonly string[] | undefined
  signal?: AbortSignal | undefined
}

/**
 * Reads a PEFT adapter: `adapter_config.json` and `adapter_model.safetensors` (or the only safetensors file there); one of mlx-lm; or
 * a LoRA in one GGUF file.
 * @throws `bad-file`, `unsupported`, `limit`, `network`, `aborted`; pickles (`.bin`, `.pt`) are refused unread.
 */
export async function loadAdapter(
  source: FileSource,
  model: ModelDescription,
  { name = source.label, baseNames = [], signal }: LoadAdapterOptions = {},
): Promise<ParsedAdapter> {
  const named = source.file !== undefined
  const gguf = named || !(await source.has(CONFIG_FILE)) ? await findGguf(source) : null
  if (gguf !== null) {
    const { loadGgufAdapter } = await import('./gguf.ts')
    return loadGgufAdapter(source, gguf, model, { name, baseNames, signal })
  }
  const file = await findWeights(source)
  const written = await source.read(CONFIG_FILE, { maxBytes: MAX_CONFIG_BYTES, signal })
  const checkpoint = await openSafetensors(source, file, signal)
  const stored = await readTensors(checkpoint, file, signal)
  if (isMlxConfig(written)) {
    const { config, tensors } = readMlxAdapter(written, stored, model)
    return parseAdapter(config, tensors, model, { name, baseNames, file })
  }
  const config = parseAdapterConfig(written)
  const { tensors, remarks } = withoutAdapterName(stored, file)
  const onExperts = config.parameters.length > 0 ? await import('./expertLora.ts') : undefined
  return parseAdapter(config, tensors, model, { name, baseNames, file, remarks, onExperts })
}

/** The weights file, once the config is known to be there. */
async function findWeights(source: FileSource): Promise<string> {
  const names = (await source.list()) ?? []
  const pickle =
    names.find((entry) => PICKLE.test(entry)) ?? (await firstThere(source, ['adapter_model.bin']))
  const pickleHint = 'Pickles can run code and are never read; save the adapter with safe_serialization=True.'
  const expected = `a folder with ${CONFIG_FILE} and ${WEIGHTS_FILE}`
  if (!(await source.has(CONFIG_FILE))) {
    const hint = pickle ? pickleHint : 'Choose the folder that PEFT saved, or both files together.'
    throw badFile(source.label, CONFIG_FILE, 'missing', expected, hint)
  }
  for (const file of [WEIGHTS_FILE, MLX_WEIGHTS_FILE]) if (await source.has(file)) return file
  const candidates = names.filter((entry) => entry.endsWith('.safetensors'))
  if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0]
  if (pickle) throw badFile(source.label, pickle, 'a Python pickle', WEIGHTS_FILE, pickleHint)
  throw badFile(
    source.label,
    WEIGHTS_FILE,
    'missing',
    expected,
    'Choose the folder that PEFT saved, or both files together.',
  )
}

async function firstThere(source: FileSource, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await source.has(name)) return name
  return undefined
}

async function readTensors(
  checkpoint: Checkpoint,
  file: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, AdapterTensor>> {
  if (checkpoint.totalBytes > MAX_WEIGHT_BYTES) {
    const message = `${file} holds ${checkpoint.totalBytes} bytes, at most ${MAX_WEIGHT_BYTES} can be an adapter.`
    throw new TokenscopeError('limit', message, {
      details: { file, got: checkpoint.totalBytes, expected: MAX_WEIGHT_BYTES },
    })
  }
  const tensors = new Map<string, AdapterTensor>()
  for (const { name, dtype, shape, begin, end } of checkpoint.tensors.values()) {
    if (!FLOATS.includes(dtype)) {
      const message = `${file}: ${name} is ${dtype}, expected ${FLOATS.join(', ')}.`
      throw new TokenscopeError('unsupported', message, {
        hint: 'Save the adapter in float32, float16 or bfloat16.',
        details: { file, field: name, got: dtype, expected: FLOATS },
      })
    }
    tensors.set(name, { dtype, shape, values: new Float32Array((end - begin) / dtypeBytes(dtype)) })
  }
  await checkpoint.read(
    () => true,
    ({ name, dtype }, offset, chunk) =>
      tensors.get(name)?.values.set(decodeFloats(dtype, chunk), offset / dtypeBytes(dtype)),
    { signal },
  )
  return tensors
}
