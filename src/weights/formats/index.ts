import packBf16 from '../../../shaders/load/pack_bf16.wgsl?raw'
import packF16 from '../../../shaders/load/pack_f16.wgsl?raw'
import packF32 from '../../../shaders/load/pack_f32.wgsl?raw'
import packQ4 from '../../../shaders/load/pack_q4_0.wgsl?raw'
import packQ8 from '../../../shaders/load/pack_q8_0.wgsl?raw'
import levelsNibbles from '../../../shaders/lib/levels_nibbles.wgsl?raw'
import weightsBf16 from '../../../shaders/lib/weights_bf16.wgsl?raw'
import weightsF16 from '../../../shaders/lib/weights_f16.wgsl?raw'
import weightsF16Native from '../../../shaders/lib/weights_f16_native.wgsl?raw'
import weightsF32 from '../../../shaders/lib/weights_f32.wgsl?raw'
import weightsQ40 from '../../../shaders/lib/weights_q4_0.wgsl?raw'
import weightsQ80 from '../../../shaders/lib/weights_q8_0.wgsl?raw'
import type { LoadFormat } from '../../api/model.ts'
import { define, HEAD_NONE, plane, PLAIN, shader, small, UNITS_SCALED, type Shape } from './define.ts'
import type { FormatName, FormatRecord } from './record.ts'

export type { FormatName, Plane, PlaneName, Repack, FormatRecord } from './record.ts'

const float = (bytes: number, ones: number): Shape => ({
  block: 1,
  blockBytes: bytes,
  unit: 16 / bytes,
  planes: [plane('quants', bytes, 0)],
  exponents: { plane: 'quants', width: bytes === 4 ? 32 : 16, ones, every: 1 },
})

export const NIBBLES = [HEAD_NONE, UNITS_SCALED, shader('levels_nibbles', levelsNibbles)] as const

/** Formats that floats can be kept in. Those that only files hold are in `fileFormats.ts`. */
export const FORMATS: Readonly<Record<LoadFormat, FormatRecord>> = {
  f32: define('f32', float(4, 0x7f80_0000), { weights: weightsF32, shared: PLAIN, pack: packF32 }),
  f16: define('f16', float(2, 0x7c00), {
    weights: weightsF16,
    native: weightsF16Native,
    shared: PLAIN,
    pack: packF16,
  }),
  bf16: define('bf16', float(2, 0x7f80), { weights: weightsBf16, shared: PLAIN, pack: packBf16 }),
  q8_0: define(
    'q8_0',
    { ...small(34, [plane('quants', 32, 2), plane('scales', 2, 0)]), unit: 16 },
    { weights: weightsQ80, shared: [HEAD_NONE, UNITS_SCALED], pack: packQ8 },
  ),
  q4_0: define('q4_0', small(18, [plane('quants', 16, 2), plane('scales', 2, 0)]), {
    weights: weightsQ40,
    shared: NIBBLES,
    pack: packQ4,
  }),
}

/** A format by its name; those that only files hold are read when one is met. */
export async function loadFormat(name: FormatName): Promise<FormatRecord> {
  if (Object.hasOwn(FORMATS, name)) return FORMATS[name as LoadFormat]
  const { FILE_FORMATS } = await import('./fileFormats.ts')
  return FILE_FORMATS[name as keyof typeof FILE_FORMATS]
}
