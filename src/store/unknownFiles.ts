import { TokenscopeError } from '../errors.ts'
import { identify } from '../engine/identify.ts'

/** Formats by how a file begins, `?` for any byte; of Latin-1 text. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^\x89PNG/, 'a PNG picture'],
  [/^\xff\xd8\xff/, 'a JPEG picture'],
  [/^GIF8/, 'a GIF picture'],
  [/^RIFF.{4}WEBP/s, 'a WebP picture'],
  [/^%PDF/, 'a PDF document'],
  [/^PK\x03\x04/, 'a zip archive without a model or an adapter in it'],
  [/^\x1f\x8b/, 'gzip data'],
  [/^7z\xbc\xaf/, 'a 7z archive'],
  [/^Rar!/, 'a RAR archive'],
  [/^\s*<(!|html|\?xml)/i, 'a web page'],
  [/^\s*[{[]/, 'a JSON file'],
]

async function formatOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.slice(0, 64).arrayBuffer())
  const begin = String.fromCharCode(...bytes)
  const known = BEGINNINGS.find(([pattern]) => pattern.test(begin))?.[1]
  const ending = /\.[\w-]{1,12}$/.exec(file.name)?.[0]
  return known ?? (ending === undefined ? 'of an unknown format' : `a ${ending} file`)
}

/** @throws `unsupported`, naming the format, for files that are no part of any model. */
export async function refuseUnknown(files: readonly File[]): Promise<void> {
  const [file] = files
  if (file === undefined || (await identify(files)) !== 'unknown') return
  const got = await formatOf(file)
  const expected = 'the files of a model or an adapter'
  throw new TokenscopeError('unsupported', `${file.name} is ${got}, expected ${expected}.`, {
    hint: 'A model is a folder with config.json, weights (safetensors or GGUF) and tokenizer.json; an adapter has adapter_config.json.',
    details: { file: file.name, field: 'format', got, expected },
  })
}
