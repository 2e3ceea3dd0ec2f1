import { invariant } from '../../errors.ts'
import { VALUE_TYPES, type GgufField, type GgufMetadata, type GgufScalarType } from './fields.ts'
import { GGML_TYPES, ggmlBytes, type GgmlTypeName } from './ggmlTypes.ts'
import { NUMBERS } from './values.ts'

export interface GgufOutput {
  name: string
  type: GgmlTypeName
  /** Row-major, outermost first. */
  shape: readonly number[]
  /** The tensor's bytes as the type lays them out. */
  data: Uint8Array
}

const VERSION = 3
const DEFAULT_ALIGNMENT = 32
const ENCODER = new TextEncoder()

/** Little-endian bytes that grow. */
class ByteWriter {
  #bytes = new Uint8Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  bytes(bytes: Uint8Array): void {
    const end = this.#length + bytes.byteLength
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.byteLength))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = end
  }

  value(type: GgufScalarType, value: string | boolean | number | bigint): void {
    if (type === 'string') {
      const text = ENCODER.encode(String(value))
      this.value('uint64', text.byteLength)
      this.bytes(text)
    } else if (type === 'bool') {
      this.bytes(Uint8Array.of(value === true ? 1 : 0))
    } else {
      invariant(typeof value === 'number' || typeof value === 'bigint', `a ${type} is a number`)
      const view = new DataView(new ArrayBuffer(NUMBERS[type].bytes))
      NUMBERS[type].write(view, value)
      this.bytes(new Uint8Array(view.buffer))
    }
  }

  /** Zero bytes up to a multiple of `alignment`. */
  pad(alignment: number): void {
    this.bytes(new Uint8Array((alignment - (this.#length % alignment)) % alignment))
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}

function writeField(writer: ByteWriter, field: GgufField): void {
  writer.value('uint32', VALUE_TYPES.indexOf(field.type))
  if (field.type !== 'array') {
    writer.value(field.type, field.value)
    return
  }
  writer.value('uint32', VALUE_TYPES.indexOf(field.of))
  writer.value('uint64', field.value.length)
  for (const entry of field.value) writer.value(field.of, entry)
}

function typeId(name: GgmlTypeName): number {
  return GGML_TYPES.find((type) => type.name === name)?.id ?? -1
}

/**
 * A whole GGUF file, version 3, little-endian. Tensors lie in the order given, each on a multiple of
 * `general.alignment` (32 where the metadata has none), the last one padded as ggml does.
 */
export function writeGguf(metadata: GgufMetadata, tensors: readonly GgufOutput[]): Uint8Array {
  const stated = metadata.get('general.alignment')?.value
  const alignment = typeof stated === 'number' ? stated : DEFAULT_ALIGNMENT
  const writer = new ByteWriter()
  writer.bytes(ENCODER.encode('GGUF'))
  writer.value('uint32', VERSION)
  writer.value('uint64', tensors.length)
  writer.value('uint64', metadata.size)
  for (const [key, field] of metadata) {
    writer.value('string', key)
    writeField(writer, field)
  }
  let offset = 0
  for (const { name, type, shape, data } of tensors) {
    const elements = shape.reduce((product, size) => product * size, 1)
    invariant(data.byteLength === ggmlBytes(type, elements), `${name} has the bytes of its type and shape`)
    writer.value('string', name)
    writer.value('uint32', shape.length)
    for (const size of shape.toReversed()) writer.value('uint64', size)
    writer.value('uint32', typeId(type))
    writer.value('uint64', offset)
    offset += Math.ceil(data.byteLength / alignment) * alignment
  }
  writer.pad(alignment)
  for (const { data } of tensors) {
    writer.bytes(data)
    writer.pad(alignment)
  }
  return writer.finish()
}
