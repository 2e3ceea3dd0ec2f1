import { isInfo } from '../../../analysis/anatomy.ts'
import { rolesOf, type PlacedStep, type StepRole } from '../../../analysis/stepRoles.ts'
import type { Attrs, OpName, StepInfo } from '../../../api/model.ts'
import type { Translate } from '../../words/index.ts'
import { formatConstant } from './numbers.ts'

type DescribedStep = PlacedStep & { readonly attrs?: Attrs[OpName] }

const roleOf = (steps: readonly PlacedStep[], { name }: PlacedStep): StepRole =>
  rolesOf(steps).get(name) ?? 'other'

/** What a step does, in a word or two; `steps` is the forward it stands in. */
export const roleName = (t: Translate, steps: readonly PlacedStep[], step: PlacedStep): string =>
  t(`role.${roleOf(steps, step)}`)

/** What a step is for, in sentences; then what of it this model does in its own way. */
export function aboutStep(t: Translate, steps: readonly PlacedStep[], step: DescribedStep): string {
  const { attrs } = step
  const about = t(`about.${roleOf(steps, step)}`)
  return attrs === undefined ? about : [about, ...remarksOf(t, { ...step, attrs } as StepInfo)].join(' ')
}

/** Sentences about what the attributes of a step say: constants, windows, caps, angles. */
function remarksOf(t: Translate, step: StepInfo): string[] {
  if (isInfo(step, 'embed'))
    return step.attrs.scale === 1 ? [] : [t('about.with.scale', { scale: formatConstant(step.attrs.scale) })]
  if (isInfo(step, 'rms_norm'))
    return step.attrs.offset === 0
      ? []
      : [t('about.with.offset', { offset: formatConstant(step.attrs.offset) })]
  if (isInfo(step, 'linear')) {
    const { scale, softcap } = step.attrs
    const factor = scale === 1 ? [] : [t('about.with.factor', { factor: formatConstant(scale) })]
    return [...factor, ...capOf(t, softcap)]
  }
  if (isInfo(step, 'add')) {
    const { scale } = step.attrs
    return scale === 1 ? [] : [t('about.with.added', { factor: formatConstant(scale) })]
  }
  if (isInfo(step, 'scores')) return [...capOf(t, step.attrs.softcap), ...sightWords(t, step.attrs)]
  if (isInfo(step, 'softmax') && step.params.length > 0)
    return [t('about.with.sink'), ...sightWords(t, step.attrs)]
  if (isInfo(step, 'softmax', 'context')) return sightWords(t, step.attrs)
  if (isInfo(step, 'cache')) return windowOf(t, step.attrs.window)
  return isInfo(step, 'rope') ? rotationOf(t, step.attrs) : []
}

function rotationOf(t: Translate, { headDim, layout, table }: Attrs['rope']): string[] {
  const { theta, rotary, scaling } = table
  return [
    t(`about.with.${layout}`),
    t('about.with.theta', { theta: formatConstant(theta) }),
    ...(rotary === headDim ? [] : [t('about.with.rotary', { rotary, headDim })]),
    ...(scaling.kind === 'none' ? [] : [t('about.with.scaling', { kind: scaling.kind })]),
  ]
}

const capOf = (t: Translate, cap: number | null): string[] =>
  cap === null ? [] : [t('about.with.softcap', { cap: formatConstant(cap) })]

/** What the mask and the window of a row leave it. */
function sightWords(t: Translate, { window, mask = 'causal' }: Attrs['softmax']): string[] {
  if (mask === 'causal') return windowOf(t, window)
  const all =
    mask === 'bidirectional' ? t('about.with.bidirectional') : t('about.with.prefix', { prefix: mask.prefix })
  return window === null ? [all] : [all, t('about.with.windowBoth', { window: window - 1 })]
}

const windowOf = (t: Translate, window: number | null): string[] =>
  window === null ? [] : [t('about.with.window', { window })]
