import { badFile } from '../badFile.ts'
import type { FileSource } from '../tensors.ts'
import { GgufFields } from './fields.ts'
import type { GgufHeader, GgufTensor } from './header.ts'
import { readGgufHeader } from './read.ts'

/** As llama.cpp's splitter names them. */
const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/
const MAX_PARTS = 1024

/** The files of one model, the first one leading: it holds the metadata. */
export interface GgufFiles {
  fields: GgufFields
  headers: readonly GgufHeader[]
  tensors: ReadonlyMap<string, GgufTensor>
}

/** All file names of a split model, in order; only the name when it is not split. `file` may be any of its parts. */
export function partNames(file: string): string[] {
  const [, stem, number, count] = PART.exec(file) ?? []
  if (stem === undefined || number === undefined || count === undefined) return [file]
  const parts = Number(count)
  if (parts < 1 || parts > MAX_PARTS || Number(number) < 1 || Number(number) > parts) {
    throw badFile(
      file,
      'file name',
      `part ${Number(number)} of ${parts}`,
      `part 1 to ${MAX_PARTS} of as many`,
    )
  }
  return Array.from({ length: parts }, (_, n) => `${stem}-${String(n + 1).padStart(5, '0')}-of-${count}.gguf`)
}

/** Reads the headers of a model's file or files, and checks that the parts belong together. */
export async function readGgufFiles(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<GgufFiles> {
  const names = partNames(file)
  const headers: GgufHeader[] = []
  for (const name of names) {
    if (names.length > 1 && !(await source.has(name))) {
      const hint = 'Put all parts of the model beside each other.'
      throw badFile(name, '', 'missing', `part ${headers.length + 1} of ${names.length}`, hint)
    }
    headers.push(await readGgufHeader(source, name, signal))
  }
  return joinHeaders(headers)
}

/** The model of headers in order. @throws `bad-file` when they do not belong together. */
export function joinHeaders(headers: readonly GgufHeader[]): GgufFiles {
  const [first] = headers
  if (first === undefined) throw new Error('invariant: a model has a file')
  headers.forEach(({ fields, file }, n) => checkPart(new GgufFields(fields, file), n, headers.length))
  const tensors = new Map<string, GgufTensor>()
  for (const tensor of headers.flatMap((header) => header.tensors)) {
    const other = tensors.get(tensor.name)
    if (other) throw badFile(tensor.file, tensor.name, `there, and in ${other.file}`, 'in one part only')
    tensors.set(tensor.name, tensor)
  }
  const fields = new GgufFields(first.fields, first.file)
  const key = 'split.tensors.count'
  if (headers.length > 1 && fields.count(key) !== tensors.size)
    throw fields.fail(key, `${tensors.size}, as the parts hold`)
  return { fields, headers, tensors }
}

function checkPart(fields: GgufFields, n: number, parts: number): void {
  const count = fields.count('split.count', { fallback: 0 })
  // A file joined again keeps a count of 0.
  if (parts === 1 && count <= 1) return
  if (count !== parts)
    throw fields.fail('split.count', parts === 1 ? 'a file with its parts beside it' : String(parts))
  if (fields.count('split.no') !== n) throw fields.fail('split.no', `${n}, by the file's name`)
}
