import { TokenscopeError } from '../errors.ts'

/** A refusal of a file's content that names the place, what stands there and what may. */
export function badFile(
  file: string,
  field: string,
  got: string,
  expected: string,
  hint = 'The file is damaged or was cut off; fetch it again.',
): TokenscopeError {
  const where = field === '' ? file : `${file}: ${field}`
  return new TokenscopeError('bad-file', `${where} is ${got}, expected ${expected}.`, {
    hint,
    details: { file, field, got, expected },
  })
}

interface Foreign {
  what: string
  hint: string
}

const LFS: Foreign = {
  what: 'a Git LFS pointer',
  hint: 'Only a pointer was cloned: run `git lfs pull`, or download the file itself.',
}
const PAGE: Foreign = {
  what: 'a web page',
  hint: 'The server answered with a page instead of the file: check the address, or whether it asks for a login.',
}
const ZIP: Foreign = {
  what: 'a zip archive (PyTorch writes these)',
  hint: 'Convert it to safetensors first.',
}
const PICKLE: Foreign = {
  what: 'a Python pickle',
  hint: 'Pickles are never read; convert it to safetensors.',
}
const GGUF: Foreign = { what: 'a GGUF file', hint: 'Give it its own extension, .gguf.' }
const GZIP: Foreign = { what: 'gzip data', hint: 'Unpack it first.' }

/** What a file's first eight or more bytes say it is, when that is a well-known other thing; null otherwise. */
export function recogniseForeign(bytes: Uint8Array): Foreign | null {
  const text = String.fromCharCode(...bytes.subarray(0, 40))
  if (text.startsWith('version ')) return LFS
  if (/^\s*<(!|html|head|\?xml)/i.test(text)) return PAGE
  if (text.startsWith('GGUF')) return GGUF
  const [first = 0, second = 0] = bytes
  if (text.startsWith('PK') && bytes[2] === 3 && bytes[3] === 4) return ZIP
  if (first === 0x80 && second >= 2 && second <= 5) return PICKLE
  if (first === 0x1f && second === 0x8b) return GZIP
  return null
}
