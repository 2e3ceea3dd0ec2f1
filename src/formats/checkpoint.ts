import { TokenscopeError } from '../errors.ts'
import { readSafetensorsHeader } from './safetensors.ts'
import { openShardedSafetensors, INDEX_FILE } from './safetensorsIndex.ts'
import { createCheckpoint } from './tensorStream.ts'
import type { Checkpoint, FileSource } from './tensors.ts'

interface CheckpointFormat {
  /** The file that stands for this format in a folder, or null. */
  find(source: FileSource): Promise<string | null>
  open(source: FileSource, file: string, signal?: AbortSignal): Promise<Checkpoint>
}

const SINGLE_FILE = 'model.safetensors'

const safetensors: CheckpointFormat = {
  async find(source) {
    if (await source.has(SINGLE_FILE)) return SINGLE_FILE
    const names = (await source.list()) ?? []
    if (names.includes(INDEX_FILE)) return null
    // A single file dropped under another name is meant.
    const candidates = names.filter((name) => name.endsWith('.safetensors') && !name.startsWith('adapter_'))
    return candidates.length === 1 ? (candidates[0] ?? null) : null
  },
  open: openSafetensors,
}

const shardedSafetensors: CheckpointFormat = {
  find: async (source) => ((await source.has(INDEX_FILE)) ? INDEX_FILE : null),
  open: openShardedSafetensors,
}

/** Every checkpoint format, in the order they are looked for. A new one is a file beside this and a line here. */
const FORMATS: readonly CheckpointFormat[] = [safetensors, shardedSafetensors]

/** Opens one safetensors file: reads its header, none of its data. */
export async function openSafetensors(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const sizeKnown = (await source.size(file)) !== null
  const { tensors, fileBytes } = await readSafetensorsHeader(source, file, signal)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  return createCheckpoint(source, [{ name: file, tensors, bytes: fileBytes, sizeKnown }], byName)
}

/**
 * Opens the checkpoint of a folder. Headers are read and checked; data waits for {@link Checkpoint.read}.
 * @throws `bad-file` when a file is malformed or no checkpoint is there, `network`, `aborted`.
 */
export async function openCheckpoint(source: FileSource, signal?: AbortSignal): Promise<Checkpoint> {
  for (const format of FORMATS) {
    const file = await format.find(source)
    if (file !== null) return format.open(source, file, signal)
  }
  const names = (await source.list()) ?? []
  const pickled = names.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name))
  const expected = `${SINGLE_FILE}, ${INDEX_FILE} or a .gguf file`
  throw new TokenscopeError('bad-file', `${source.label} holds no checkpoint, expected ${expected}.`, {
    hint: pickled
      ? `${pickled} is a Python pickle, which is never read: convert it to safetensors.`
      : 'Choose the folder that holds config.json and the weights.',
    details: { file: source.label, field: 'files', got: names.slice(0, 20), expected },
  })
}
