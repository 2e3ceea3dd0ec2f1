import { TokenscopeError } from '../errors.ts'
import { badFile, recogniseForeign } from '../formats/badFile.ts'
import { parseStrictJson } from '../formats/strictJson.ts'
import type { TensorData } from '../api/model.ts'
import { Field } from './check.ts'
import { fromFirstVersion } from './firstVersion.ts'
import { readHeader, type Header, type StoredTensor } from './header.ts'
import { LIMITS, MAGIC, PRELUDE, VERSION } from './layout.ts'
import { crc32, fromPlanes, inflate } from './pack.ts'
import type { SavedTrace } from './types.ts'

const NAME = 'trace file'

/**
 * Opens a trace file; needs neither a GPU nor the model. Lengths, checksums and the whole header are checked here; a tensor is unpacked
 * when it is asked for. @throws `bad-file`: no trace, truncated, of a newer version, or damaged, naming where.
 */
export async function openTrace(source: Uint8Array | Blob): Promise<SavedTrace> {
  const size = source instanceof Blob ? source.size : source.length
  if (size > LIMITS.file) throw badFile(NAME, 'size', `${size} bytes`, `at most ${LIMITS.file}`)
  const bytes = source instanceof Blob ? new Uint8Array(await source.arrayBuffer()) : source
  const { version, stored, unpacked } = readPrelude(bytes)
  const end = PRELUDE + stored
  const where = { file: NAME, field: 'the header' }
  const plain = await inflate(bytes.subarray(PRELUDE, end), unpacked, where)
  const written = parseStrictJson(plain, NAME)
  const current = version === 1 ? fromFirstVersion(written) : written
  const { tensors, ...header } = readHeader(new Field(NAME, current))
  return openHeader({ ...header, version }, placeTensors(bytes, end, tensors), size)
}

function readPrelude(bytes: Uint8Array): { version: number; stored: number; unpacked: number } {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    const foreign = recogniseForeign(bytes)
    const got = foreign?.what ?? (bytes.length === 0 ? 'empty' : 'something else')
    throw badFile(
      NAME,
      '',
      got,
      'a Tokenscope trace',
      'Choose a file that was saved here, ending in .tokenscope.',
    )
  }
  if (bytes.length < PRELUDE) throw truncated(bytes.length, PRELUDE)
  const view = new DataView(bytes.buffer, bytes.byteOffset, PRELUDE)
  const [version = 0, stored = 0, unpacked = 0, crc] = [8, 12, 16, 20].map((at) => view.getUint32(at, true))
  if (version > VERSION || version === 0) {
    const hint = 'It was saved by a newer Tokenscope: reload the page to get the newest one.'
    throw badFile(NAME, 'version', String(version), `${VERSION} at most`, hint)
  }
  if (unpacked > LIMITS.header)
    throw badFile(NAME, 'header size', String(unpacked), `at most ${LIMITS.header}`)
  if (PRELUDE + stored > bytes.length) throw truncated(bytes.length, PRELUDE + stored)
  if (crc32(bytes.subarray(PRELUDE, PRELUDE + stored)) !== crc) throw damaged('the header')
  return { version, stored, unpacked }
}

const truncated = (got: number, expected: number) =>
  badFile(
    NAME,
    'size',
    `${got} bytes`,
    `at least ${expected}`,
    'The file was cut off; save or copy it again.',
  )

const damaged = (field: string) => badFile(NAME, field, 'damaged (its checksum differs)', 'as it was saved')

interface PlacedTensor extends StoredTensor {
  data: Uint8Array
}

/** The stored bytes of every tensor, which must fill the file to its end. */
function placeTensors(
  bytes: Uint8Array,
  begin: number,
  tensors: readonly StoredTensor[],
): Map<string, PlacedTensor> {
  const end = tensors.reduce((sum, tensor) => sum + tensor.bytes, begin)
  if (end > bytes.length) throw truncated(bytes.length, end)
  if (end < bytes.length) throw badFile(NAME, 'size', `${bytes.length} bytes`, `${end}, as its header says`)
  let at = begin
  return new Map(
    tensors.map((tensor) => {
      const data = bytes.subarray(at, at + tensor.bytes)
      at += tensor.bytes
      if (crc32(data) !== tensor.crc) throw damaged(tensor.step)
      return [tensor.step, { ...tensor, data }] as const
    }),
  )
}

function openHeader(
  header: Omit<Header, 'tensors'> & Pick<SavedTrace, 'version'>,
  tensors: ReadonlyMap<string, PlacedTensor>,
  bytes: number,
): SavedTrace {
  return {
    ...header,
    bytes,
    tensor: async (step) => {
      const stored = tensors.get(step)
      if (stored !== undefined) return unpack(stored)
      throw new TokenscopeError('bad-argument', `This trace does not hold the tensor of "${step}".`, {
        hint: 'Kept are the steps with statistics; save again with more to keep.',
        details: { step },
      })
    },
  }
}

async function unpack({ step, shape, coding, data }: PlacedTensor): Promise<TensorData> {
  const size = shape.reduce((product, count) => product * count, 4)
  const words =
    coding === 'raw' ? data.slice() : fromPlanes(await inflate(data, size, { file: NAME, field: step }))
  return { shape, data: new Float32Array(words.buffer, 0, size / 4) }
}
