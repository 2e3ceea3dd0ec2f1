import { badFile } from '../badFile.ts'
import type { FileSource } from '../tensors.ts'

const GGUF = /\.gguf$/i
/** Files beside a model that are none: projectors of images, importance matrices. */
const BESIDE = /mmproj|imatrix/i
/** Parts of a split model but the first. */
const LATER_PART = /-(?!00001)\d{5}-of-\d{5}\.gguf$/i

/**
 * The GGUF file that a source means: the one it was opened by, or the only one where there is no config.json. Null where the source
 * is a folder of Hugging Face's layout. Throws `bad-file` where there are several.
 */
export async function findGguf(source: FileSource): Promise<string | null> {
  if (source.file !== undefined) return GGUF.test(source.file) ? source.file : null
  const names = ((await source.list()) ?? []).filter((name) => GGUF.test(name))
  if (names.length === 0 || (await source.has('config.json'))) return null
  const models = names.filter((name) => !BESIDE.test(name) && !LATER_PART.test(name))
  if (models.length > 1)
    throw badFile(
      source.label,
      'files',
      models.slice(0, 5).join(', '),
      'one GGUF model',
      'Choose one of them.',
    )
  return models[0] ?? null
}
