import packBf16 from '../../../shaders/load/pack_bf16.wgsl?raw'
import packF16 from '../../../shaders/load/pack_f16.wgsl?raw'
import packF32 from '../../../shaders/load/pack_f32.wgsl?raw'
import packQ4 from '../../../shaders/load/pack_q4_0.wgsl?raw'
import packQ8 from '../../../shaders/load/pack_q8_0.wgsl?raw'
import weightsBf16 from '../../../shaders/lib/weights_bf16.wgsl?raw'
import weightsF16 from '../../../shaders/lib/weights_f16.wgsl?raw'
import weightsF16Native from '../../../shaders/lib/weights_f16_native.wgsl?raw'
import weightsF32 from '../../../shaders/lib/weights_f32.wgsl?raw'
import weightsIq4Nl from '../../../shaders/lib/weights_iq4_nl.wgsl?raw'
import weightsIq4Xs from '../../../shaders/lib/weights_iq4_xs.wgsl?raw'
import weightsMxfp4 from '../../../shaders/lib/weights_mxfp4.wgsl?raw'
import weightsQ2K from '../../../shaders/lib/weights_q2_k.wgsl?raw'
import weightsQ3K from '../../../shaders/lib/weights_q3_k.wgsl?raw'
import weightsQ40 from '../../../shaders/lib/weights_q4_0.wgsl?raw'
import weightsQ41 from '../../../shaders/lib/weights_q4_1.wgsl?raw'
import weightsQ4K from '../../../shaders/lib/weights_q4_k.wgsl?raw'
import weightsQ50 from '../../../shaders/lib/weights_q5_0.wgsl?raw'
import weightsQ51 from '../../../shaders/lib/weights_q5_1.wgsl?raw'
import weightsQ5K from '../../../shaders/lib/weights_q5_k.wgsl?raw'
import weightsQ6K from '../../../shaders/lib/weights_q6_k.wgsl?raw'
import weightsQ80 from '../../../shaders/lib/weights_q8_0.wgsl?raw'
import type { FormatName, Plane, PlaneName, Repack, WeightFormat } from './record.ts'

export type { FormatName, Plane, PlaneName, Repack, WeightFormat } from './record.ts'

const plane = (name: PlaneName, bytes: number, at: number, repack: Repack = 'move'): Plane => ({
  name,
  bytes,
  at,
  repack,
})

/** Texts of a format's shaders. */
interface Shaders {
  weights: string
  /** The provider that needs `shader-f16`. */
  native?: string
  pack?: string
}

function define(
  name: FormatName,
  shape: Pick<WeightFormat, 'block' | 'blockBytes' | 'unit' | 'planes'>,
  { weights, native, pack }: Shaders,
): WeightFormat {
  const plain = { name: `lib/weights_${name}.wgsl`, text: weights }
  const f16 = native === undefined ? plain : { name: `lib/weights_${name}_native.wgsl`, text: native }
  return {
    name,
    ...shape,
    provider: (variant) => (variant.f16 ? f16 : plain),
    pack: pack === undefined ? null : { name: `load/pack_${name}.wgsl`, text: pack },
  }
}

const float = (bytes: number): Pick<WeightFormat, 'block' | 'blockBytes' | 'unit' | 'planes'> => ({
  block: 1,
  blockBytes: bytes,
  unit: 16 / bytes,
  planes: [plane('quants', bytes, 0)],
})

/** Formats whose scales hold for 32 weights. */
const small = (blockBytes: number, planes: readonly Plane[]) => ({ block: 32, blockBytes, unit: 32, planes })
/** Formats of super-blocks. */
const large = (blockBytes: number, planes: readonly Plane[]) => ({ block: 256, blockBytes, unit: 32, planes })

/** Every weight format. A new one is a line here and its provider. Block layouts: ggml's `ggml-common.h`. */
export const FORMATS: Readonly<Record<FormatName, WeightFormat>> = {
  f32: define('f32', float(4), { weights: weightsF32, pack: packF32 }),
  f16: define('f16', float(2), { weights: weightsF16, native: weightsF16Native, pack: packF16 }),
  bf16: define('bf16', float(2), { weights: weightsBf16, pack: packBf16 }),
  q8_0: define(
    'q8_0',
    { ...small(34, [plane('quants', 32, 2), plane('scales', 2, 0)]), unit: 16 },
    { weights: weightsQ80, pack: packQ8 },
  ),
  q4_0: define('q4_0', small(18, [plane('quants', 16, 2), plane('scales', 2, 0)]), {
    weights: weightsQ40,
    pack: packQ4,
  }),
  q4_1: define('q4_1', small(20, [plane('quants', 16, 4), plane('scales', 4, 0)]), { weights: weightsQ41 }),
  q5_0: define(
    'q5_0',
    small(22, [plane('quants', 16, 6), plane('high', 4, 2, 'spread'), plane('scales', 2, 0)]),
    { weights: weightsQ50 },
  ),
  q5_1: define(
    'q5_1',
    small(24, [plane('quants', 16, 8), plane('high', 4, 4, 'spread'), plane('scales', 4, 0)]),
    { weights: weightsQ51 },
  ),
  q2_k: define(
    'q2_k',
    large(84, [plane('quants', 64, 16, 'pairs'), plane('scales', 16, 0), plane('super', 4, 80)]),
    { weights: weightsQ2K },
  ),
  q3_k: define(
    'q3_k',
    large(110, [
      plane('quants', 64, 32, 'pairs'),
      plane('high', 32, 0, 'bits'),
      plane('scales', 12, 96),
      plane('super', 2, 108),
    ]),
    { weights: weightsQ3K },
  ),
  q4_k: define('q4_k', large(144, [plane('quants', 128, 16, 'nibbles2'), plane('scales', 16, 0)]), {
    weights: weightsQ4K,
  }),
  q5_k: define(
    'q5_k',
    large(176, [plane('quants', 128, 48, 'nibbles2'), plane('high', 32, 16, 'bits'), plane('scales', 16, 0)]),
    { weights: weightsQ5K },
  ),
  q6_k: define(
    'q6_k',
    large(210, [
      plane('quants', 128, 0, 'nibbles4'),
      plane('high', 64, 128, 'pairs'),
      plane('scales', 16, 192),
      plane('super', 2, 208),
    ]),
    { weights: weightsQ6K },
  ),
  iq4_nl: define('iq4_nl', small(18, [plane('quants', 16, 2), plane('scales', 2, 0)]), {
    weights: weightsIq4Nl,
  }),
  iq4_xs: define('iq4_xs', large(136, [plane('quants', 128, 8), plane('scales', 8, 0)]), {
    weights: weightsIq4Xs,
  }),
  mxfp4: define('mxfp4', small(17, [plane('quants', 16, 1), plane('scales', 1, 0)]), {
    weights: weightsMxfp4,
  }),
}

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[]
