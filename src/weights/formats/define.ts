import headNone from '../../../shaders/lib/head_none.wgsl?raw'
import unitsPlain from '../../../shaders/lib/units_plain.wgsl?raw'
import unitsScaled from '../../../shaders/lib/units_scaled.wgsl?raw'
import weights from '../../../shaders/lib/weights.wgsl?raw'
import type { ProviderFile } from '../../gpu/providers.ts'
import type { Exponents, FormatName, Plane, PlaneName, Repack, FormatRecord } from './record.ts'

export const plane = (name: PlaneName, bytes: number, at: number, repack: Repack = 'move'): Plane => ({
  name,
  bytes,
  at,
  repack,
})

export const shader = (name: string, text: string): ProviderFile => ({ name: `lib/${name}.wgsl`, text })

const WEIGHTS = shader('weights', weights)
export const HEAD_NONE = shader('head_none', headNone)
export const UNITS_SCALED = shader('units_scaled', unitsScaled)
/** What plain floats share. */
export const PLAIN = [HEAD_NONE, shader('units_plain', unitsPlain)] as const

/** Texts of a format's shaders. */
interface Shaders {
  /** The format's own arithmetic. */
  weights: string
  /** The same with `shader-f16`. */
  native?: string
  /** What it shares with other formats. */
  shared: readonly ProviderFile[]
  pack?: string
}

export type Shape = Pick<FormatRecord, 'block' | 'blockBytes' | 'unit' | 'planes' | 'exponents'>

/** Halves of a plane: all of them, or those in the first of so many words. */
export const halves = (name: PlaneName, every: Exponents['every'] = 1): Exponents => ({
  plane: name,
  width: 16,
  ones: 0x7c00,
  every,
})

export function define(
  name: FormatName,
  shape: Shape & { grouped?: boolean },
  { weights, native, shared, pack }: Shaders,
): FormatRecord {
  const plain = [WEIGHTS, ...shared, shader(`weights_${name}`, weights)]
  const f16 = native === undefined ? plain : [WEIGHTS, ...shared, shader(`weights_${name}_native`, native)]
  return {
    name,
    grouped: false,
    ...shape,
    providers: (variant) => (variant.f16 ? f16 : plain),
    pack: pack === undefined ? null : { name: `load/pack_${name}.wgsl`, text: pack },
  }
}

/** Formats whose scales, halves if not said otherwise, hold for 32 weights. */
export const small = (
  blockBytes: number,
  planes: readonly Plane[],
  exponents: Exponents | null = halves('scales'),
): Shape => ({
  block: 32,
  blockBytes,
  unit: 32,
  planes,
  exponents,
})
