import { badFile } from '../badFile.ts'
import type { FileSource } from '../tensors.ts'

const GGUF = /\.gguf$/i
/** Files beside a model that are none: projectors of images, importance matrices. */
const BESIDE = /mmproj|imatrix/i
/** Parts of a split model but the first. */
const LATER_PART = /-(?!00001)\d{5}-of-\d{5}\.gguf$/i

/**
 * The GGUF file that a source means: the one it was opened by, or the only one where no other checkpoint is. Null where the source
 * is a folder of Hugging Face's layout. Throws `bad-file` where there are several and the source picks none.
 */
export async function findGguf(source: FileSource): Promise<string | null> {
  if (source.file !== undefined) return GGUF.test(source.file) ? source.file : null
  const all = (await source.list()) ?? []
  const models = ggufModels(all)
  // A repository of GGUF files may have the config of the model they were made from beside them.
  if (models.length === 0 || all.some((name) => /(^|\/)model.*\.safetensors$/.test(name))) return null
  if (models.length === 1) return models[0] ?? null
  const picked = await source.pick?.(models)
  if (picked) return picked
  throw badFile(
    source.label,
    'files',
    models.slice(0, 5).join(', '),
    'one GGUF model',
    'Choose one of them: name the file behind the folder.',
  )
}

/** The files among these that each hold a model, or begin one that is split. */
export function ggufModels(names: readonly string[]): string[] {
  return names.filter((name) => GGUF.test(name) && !BESIDE.test(name) && !LATER_PART.test(name))
}
