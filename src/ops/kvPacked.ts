import f16Read from '../../shaders/lib/kv_f16.wgsl?raw'
import f16Write from '../../shaders/lib/kv_f16_write.wgsl?raw'
import q8Read from '../../shaders/lib/kv_q8_0.wgsl?raw'
import q8Write from '../../shaders/lib/kv_q8_0_write.wgsl?raw'
import type { KvFormatName } from '../api/load.ts'
import { TokenscopeError } from '../errors.ts'
import type { KvFormat } from './kvFormats.ts'

/** Half the bytes of f32: two elements a word, on every device. */
const KV_F16: KvFormat = {
  name: 'f16',
  unit4: 1,
  rowBytes: (dim4) => dim4 * 8,
  read: { name: 'lib/kv_f16.wgsl', text: f16Read },
  write: { name: 'lib/kv_f16_write.wgsl', text: f16Write },
}

/** vec4 of two blocks, whose scales share a word. */
const PAIR4 = 16

/** 8.5 bits an element: blocks of 32 int8 along the head with an f16 scale. */
const KV_Q8_0: KvFormat = {
  name: 'q8_0',
  unit4: PAIR4,
  rowBytes: (dim4) => (dim4 + Math.ceil(dim4 / PAIR4)) * 4,
  read: { name: 'lib/kv_q8_0.wgsl', text: q8Read },
  write: { name: 'lib/kv_q8_0_write.wgsl', text: q8Write },
}

const PACKED: Readonly<Record<Exclude<KvFormatName, 'f32'>, KvFormat>> = { f16: KV_F16, q8_0: KV_Q8_0 }

/** A format by what was asked for, which may come from a script without types. Throws `bad-argument`. */
export function packedFormat(name: string): KvFormat {
  if (name === 'f16' || name === 'q8_0') return PACKED[name]
  throw new TokenscopeError('bad-argument', `kvCache is "${name}"; allowed are f32, f16 and q8_0.`, {
    hint: 'Leave it out for f32.',
    details: { field: 'kvCache', got: name, expected: 'f32, f16 or q8_0' },
  })
}
