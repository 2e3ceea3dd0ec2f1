import { EXTENSION, MAGIC } from '../trace/layout.ts'
import { filesSource } from '../sources/dropped.ts'
import { zipNames } from '../sources/zipNames.ts'

/** What chosen or dropped files are together. */
export type FileKind = 'model' | 'adapter' | 'trace' | 'unknown'

const ADAPTER_FILE = /(^|\/)adapter_(config\.json|model\.(safetensors|bin))$/i
/** A configuration, or weights in any file format, also those that loading then refuses by name. */
const MODEL_FILE =
  /(^|\/)config\.json$|\.(safetensors|safetensors\.index\.json|gguf|bin|pt|pth|ckpt|pkl|onnx)$/i

/** A file of a chosen folder knows its way; a single one has its name. */
const pathOf = (file: File): string => file.webkitRelativePath || file.name

/**
 * Tells what files are: from their names, of an archive from the names in its directory, of a trace from its ending or its first
 * bytes, of a GGUF file from what it says of itself. Where both an adapter's and a model's files are there, they are an adapter's. Nothing is unpacked and no content is checked:
 * a file that only claims to be something is refused by whatever opens it.
 */
export async function identify(files: readonly File[]): Promise<FileKind> {
  for (const file of files) if (await isTrace(file)) return 'trace'
  const [file] = files
  const isArchive = files.length === 1 && file !== undefined && /\.zip$/i.test(file.name)
  const names = isArchive ? ((await zipNames(file)) ?? []) : files.map(pathOf)
  if (names.some((name) => ADAPTER_FILE.test(name))) return 'adapter'
  if (!isArchive && files.length === 1 && file && /\.gguf$/i.test(file.name) && (await isLora(file)))
    return 'adapter'
  return names.some((name) => MODEL_FILE.test(name)) ? 'model' : 'unknown'
}

/** What a GGUF file says that it is. One that is damaged is left to whatever opens it. */
async function isLora(file: File): Promise<boolean> {
  const { ggufType } = await import('../formats/gguf/type.ts')
  return (await ggufType(filesSource([file]), file.name)) === 'adapter'
}

async function isTrace(file: File): Promise<boolean> {
  if (file.name.toLowerCase().endsWith(EXTENSION)) return true
  const begin = new Uint8Array(await file.slice(0, MAGIC.length).arrayBuffer())
  return MAGIC.every((byte, i) => begin[i] === byte)
}
