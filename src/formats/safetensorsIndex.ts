import { badFile } from './badFile.ts'
import { checkFileName } from './fileNames.ts'
import { readSafetensorsHeader } from './safetensors.ts'
import { parseStrictJson } from './strictJson.ts'
import { createCheckpoint, type CheckpointFile } from './tensorStream.ts'
import type { Checkpoint, FileSource, TensorInfo } from './tensors.ts'

export const INDEX_FILE = 'model.safetensors.index.json'
const MAX_INDEX_BYTES = 64 * 1024 * 1024
const MAX_SHARDS = 10_000

/** Tensor name → shard file, from the bytes of an index. */
export function parseShardIndex(bytes: Uint8Array, file: string): ReadonlyMap<string, string> {
  const root = parseStrictJson(bytes, file)
  const map =
    typeof root === 'object' && root !== null && !Array.isArray(root) ? root['weight_map'] : undefined
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw badFile(
      file,
      'weight_map',
      map === undefined ? 'missing' : 'no object',
      'an object: tensor name → file name',
    )
  }
  const shards = new Map<string, string>()
  for (const [tensor, shard] of Object.entries(map)) {
    const field = `weight_map.${tensor}`
    if (typeof shard !== 'string') throw badFile(file, field, typeof shard, 'a file name')
    shards.set(tensor, checkFileName(shard, { file, field }))
  }
  const count = new Set(shards.values()).size
  if (count < 1 || count > MAX_SHARDS) {
    throw badFile(file, 'weight_map', `${count} different files`, `1 to ${MAX_SHARDS}`)
  }
  return shards
}

/** Opens a checkpoint of several files through its index: reads every shard's header, no data. */
export async function openShardedSafetensors(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  const index = parseShardIndex(await source.read(file, { maxBytes: MAX_INDEX_BYTES, signal }), file)
  const names = [...new Set(index.values())].sort()
  const files: CheckpointFile[] = []
  const indexed = new Map<string, TensorInfo>()
  for (const name of names) {
    if (!(await source.has(name))) {
      throw badFile(
        file,
        'weight_map',
        `pointing to ${name}, which is missing`,
        'files that are there',
        'Add the missing shard.',
      )
    }
    const sizeKnown = (await source.size(name)) !== null
    const { tensors, fileBytes } = await readSafetensorsHeader(source, name, signal)
    files.push({ name, tensors, bytes: fileBytes, sizeKnown })
    for (const tensor of tensors) {
      if (index.get(tensor.name) === name) indexed.set(tensor.name, tensor)
    }
  }
  for (const [tensor, shard] of index) {
    if (!indexed.has(tensor)) {
      throw badFile(
        shard,
        tensor,
        'missing',
        `the tensor that ${file} says is there`,
        'The shards and the index do not belong together.',
      )
    }
  }
  return createCheckpoint(source, files, indexed)
}
