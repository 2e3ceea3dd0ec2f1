import groups from '../../../shaders/lib/groups.wgsl?raw'
import levelsFive from '../../../shaders/lib/levels_five.wgsl?raw'
import levelsIq4 from '../../../shaders/lib/levels_iq4.wgsl?raw'
import levelsCrumbs from '../../../shaders/lib/levels_crumbs.wgsl?raw'
import scalesSix from '../../../shaders/lib/scales_six.wgsl?raw'
import weightsF8E4M3 from '../../../shaders/lib/weights_f8_e4m3.wgsl?raw'
import weightsF8E5M2 from '../../../shaders/lib/weights_f8_e5m2.wgsl?raw'
import weightsFp4 from '../../../shaders/lib/weights_fp4.wgsl?raw'
import weightsInt4 from '../../../shaders/lib/weights_int4.wgsl?raw'
import weightsIq4Nl from '../../../shaders/lib/weights_iq4_nl.wgsl?raw'
import weightsIq4Xs from '../../../shaders/lib/weights_iq4_xs.wgsl?raw'
import weightsMxfp4 from '../../../shaders/lib/weights_mxfp4.wgsl?raw'
import weightsNf4 from '../../../shaders/lib/weights_nf4.wgsl?raw'
import weightsQ2K from '../../../shaders/lib/weights_q2_k.wgsl?raw'
import weightsQ3K from '../../../shaders/lib/weights_q3_k.wgsl?raw'
import weightsQ41 from '../../../shaders/lib/weights_q4_1.wgsl?raw'
import weightsQ4K from '../../../shaders/lib/weights_q4_k.wgsl?raw'
import weightsQ50 from '../../../shaders/lib/weights_q5_0.wgsl?raw'
import weightsQ51 from '../../../shaders/lib/weights_q5_1.wgsl?raw'
import weightsQ5K from '../../../shaders/lib/weights_q5_k.wgsl?raw'
import weightsQ6K from '../../../shaders/lib/weights_q6_k.wgsl?raw'
import type { LoadFormat } from '../../api/model.ts'
import { define, halves, HEAD_NONE, plane, shader, small, UNITS_SCALED, type Shape } from './define.ts'
import { FORMATS, NIBBLES } from './index.ts'
import type { Exponents, FormatName, Plane, FormatRecord } from './record.ts'

/** Formats of super-blocks. */
const large = (blockBytes: number, planes: readonly Plane[], exponents = halves('super')): Shape => ({
  block: 256,
  blockBytes,
  unit: 32,
  planes,
  exponents,
})
/** The first word of four is d and dmin. */
const HEAD_OF_FOUR = halves('scales', 4)
/** The lower half of the first word of two is d. */
const HEAD_OF_TWO: Exponents = { plane: 'scales', width: 32, ones: 0x7c00, every: 2 }
/** 252 · 2^k and more, which the largest levels may exceed. */
const LARGE_POWERS: Exponents = { plane: 'scales', width: 8, ones: 0xfc, every: 1 }

const [, , LEVELS_NIBBLES] = NIBBLES
const LEVELS_FIVE = shader('levels_five', levelsFive)
const LEVELS_IQ4 = shader('levels_iq4', levelsIq4)
const LEVELS_CRUMBS = shader('levels_crumbs', levelsCrumbs)
const SCALES_SIX = shader('scales_six', scalesSix)
const GROUPS = [HEAD_NONE, shader('groups', groups)] as const
const FIVE = [HEAD_NONE, UNITS_SCALED, LEVELS_FIVE] as const

/** Eight-bit floats with a scale for each group. */
const eight: Shape & { grouped: boolean } = {
  block: 1,
  blockBytes: 1,
  unit: 16,
  planes: [plane('quants', 1, 0)],
  exponents: null,
  grouped: true,
}
/** Four-bit weights with a scale for each group. */
const four = { ...small(16, [plane('quants', 16, 0)], null), grouped: true }

/** Formats that only files hold. A new one is a line here and its arithmetic. Block layouts: ggml's `ggml-common.h`. */
export const FILE_FORMATS: Readonly<Record<Exclude<FormatName, LoadFormat>, FormatRecord>> = {
  q4_1: define('q4_1', small(20, [plane('quants', 16, 4), plane('scales', 4, 0)]), {
    weights: weightsQ41,
    shared: NIBBLES,
  }),
  q5_0: define(
    'q5_0',
    small(22, [plane('quants', 16, 6), plane('high', 4, 2, 'spread'), plane('scales', 2, 0)]),
    { weights: weightsQ50, shared: FIVE },
  ),
  q5_1: define(
    'q5_1',
    small(24, [plane('quants', 16, 8), plane('high', 4, 4, 'spread'), plane('scales', 4, 0)]),
    { weights: weightsQ51, shared: FIVE },
  ),
  q2_k: define(
    'q2_k',
    large(84, [plane('quants', 64, 16, 'pairs'), plane('scales', 16, 0), plane('super', 4, 80)]),
    { weights: weightsQ2K, shared: [UNITS_SCALED, LEVELS_CRUMBS] },
  ),
  q3_k: define(
    'q3_k',
    large(110, [
      plane('quants', 64, 32, 'pairs'),
      plane('high', 32, 0, 'bits'),
      plane('scales', 12, 96),
      plane('super', 2, 108),
    ]),
    { weights: weightsQ3K, shared: [UNITS_SCALED, LEVELS_CRUMBS] },
  ),
  q4_k: define(
    'q4_k',
    large(144, [plane('quants', 128, 16, 'nibbles2'), plane('scales', 16, 0)], HEAD_OF_FOUR),
    { weights: weightsQ4K, shared: [UNITS_SCALED, LEVELS_NIBBLES, SCALES_SIX] },
  ),
  q5_k: define(
    'q5_k',
    large(
      176,
      [plane('quants', 128, 48, 'nibbles2'), plane('high', 32, 16, 'bits'), plane('scales', 16, 0)],
      HEAD_OF_FOUR,
    ),
    { weights: weightsQ5K, shared: [UNITS_SCALED, LEVELS_FIVE, SCALES_SIX] },
  ),
  q6_k: define(
    'q6_k',
    large(210, [
      plane('quants', 128, 0, 'nibbles4'),
      plane('high', 64, 128, 'pairs'),
      plane('scales', 16, 192),
      plane('super', 2, 208),
    ]),
    { weights: weightsQ6K, shared: [UNITS_SCALED] },
  ),
  iq4_nl: define('iq4_nl', small(18, [plane('quants', 16, 2), plane('scales', 2, 0)]), {
    weights: weightsIq4Nl,
    shared: [HEAD_NONE, UNITS_SCALED, LEVELS_IQ4],
  }),
  iq4_xs: define('iq4_xs', large(136, [plane('quants', 128, 8), plane('scales', 8, 0)], HEAD_OF_TWO), {
    weights: weightsIq4Xs,
    shared: [UNITS_SCALED, LEVELS_IQ4],
  }),
  mxfp4: define('mxfp4', small(17, [plane('quants', 16, 1), plane('scales', 1, 0)], LARGE_POWERS), {
    weights: weightsMxfp4,
    shared: [HEAD_NONE],
  }),
  f8_e4m3: define('f8_e4m3', eight, { weights: weightsF8E4M3, shared: [...GROUPS, UNITS_SCALED] }),
  f8_e5m2: define('f8_e5m2', eight, { weights: weightsF8E5M2, shared: [...GROUPS, UNITS_SCALED] }),
  fp4: define('fp4', four, { weights: weightsFp4, shared: [...GROUPS, UNITS_SCALED] }),
  nf4: define('nf4', four, { weights: weightsNf4, shared: [...GROUPS, UNITS_SCALED] }),
  int4: define('int4', four, { weights: weightsInt4, shared: [...GROUPS, LEVELS_NIBBLES] }),
}

/** Every weight format. */
export const ALL_FORMATS: Readonly<Record<FormatName, FormatRecord>> = { ...FORMATS, ...FILE_FORMATS }
export const FORMAT_NAMES = Object.keys(ALL_FORMATS) as FormatName[]
