import { TokenscopeError } from '../errors.ts'
import { identify } from '../engine/identify.ts'

/** Formats by the bytes a file begins with, as Latin-1 text. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['\u0089PNG', 'a PNG picture'],
  ['\u00ff\u00d8\u00ff', 'a JPEG picture'],
  ['GIF8', 'a GIF picture'],
  ['%PDF', 'a PDF document'],
  ['PK\u0003\u0004', 'a zip archive without a model or an adapter in it'],
  ['\u001f\u008b', 'gzip data'],
  ['7z\u00bc\u00af', 'a 7z archive'],
  ['Rar!', 'a RAR archive'],
  ['<', 'a web page or XML'],
  ['{', 'a JSON file'],
  ['[', 'a JSON file'],
]

async function formatOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.slice(0, 64).arrayBuffer())
  const begin = String.fromCharCode(...bytes)
  const format = BEGINNINGS.find(([first]) => begin.trimStart().startsWith(first))?.[1]
  const ending = /\.[\w-]{1,12}$/.exec(file.name)?.[0]
  return format ?? (ending === undefined ? 'of an unknown format' : `a ${ending} file`)
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
