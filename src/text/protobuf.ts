import { refuse } from './parts.ts'

/** A field's value: a number, eight or four bytes, or bytes of its own. */
export type FieldValue = number | Uint8Array

const FILE = 'tokenizer.model'

function cut(): never {
  return refuse('content', 'cut off', 'a whole SentencePiece model', { file: FILE })
}

/** Goes through the fields of one protobuf message. Throws `bad-file` where it is cut off. */
export function* fieldsOf(bytes: Uint8Array): Generator<[field: number, value: FieldValue]> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) return cut()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return cut()
  }
  const takeBytes = (size: number): Uint8Array => {
    if (at + size > bytes.length) cut()
    at += size
    return bytes.subarray(at - size, at)
  }
  while (at < bytes.length) {
    const tag = varint()
    const kind = tag & 7
    if (kind === 0) yield [tag >>> 3, varint()]
    else if (kind === 1) yield [tag >>> 3, takeBytes(8)]
    else if (kind === 2) yield [tag >>> 3, takeBytes(varint())]
    else if (kind === 5) yield [tag >>> 3, takeBytes(4)]
    else refuse('content', `wire type ${kind}`, 'a SentencePiece model', { file: FILE })
  }
}
