import type { OpenedDevice } from '../src/gpu/device.ts'
import { parseVariant, subgroupsPay, type AdapterClass } from '../src/gpu/variants.ts'
import { interleave, ratio, spread, type Emit, type Timing, type Work } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { shapeNamed } from './shapes.ts'
import { encodeSteps, Synthetic } from './synthetic.ts'

/** One line of src/gpu/variantTable.ts. */
export interface VariantChoice {
  kind: AdapterClass
  threadPerOutput: boolean
  workgroup: number
}

const CHOICES = [true, false].flatMap((threadPerOutput) =>
  [32, 64, 128, 256].map((workgroup) => ({ threadPerOutput, workgroup })),
)
/** Decoding is what a person waits for longest; a chunk of a prompt counts as much. */
const ROWS = [1, 32]

/**
 * Times a layer of SmolLM2-135M in f16 under every choice, decode and prefill in turn, and takes the one with the least
 * product of both times.
 */
export async function tuneVariants(
  opened: OpenedDevice,
  emit: Emit,
  options: SuiteOptions,
): Promise<VariantChoice> {
  const { device, kind, features } = opened
  const models: Synthetic[] = []
  const works: Work[] = []
  const choices = CHOICES.filter(
    ({ workgroup }) => workgroup <= device.limits.maxComputeInvocationsPerWorkgroup,
  )
  for (const { threadPerOutput, workgroup } of choices) {
    const prefix = [
      features.f16 ? 'f16-' : '',
      subgroupsPay(threadPerOutput, features) ? 'subgroups-' : '',
      threadPerOutput ? 'perthread-' : '',
    ].join('')
    const variant = parseVariant(`${prefix}wg${workgroup}`, features)
    const model = new Synthetic(device, {
      shape: shapeNamed('SmolLM2-135M'),
      layers: 2,
      format: 'f16',
      variant,
    })
    models.push(model)
    for (const rows of ROWS) {
      const steps = (await model.bind(rows, 0, true)).filter(({ step }) => step.layer !== null)
      works.push({ name: variant.name, encode: (encoder) => encodeSteps(encoder, steps) })
    }
  }
  const times = await interleave(device, works, options.rounds)
  const scores = choices.map((choice, i) => {
    const [decode, prefill] = times.slice(2 * i, 2 * i + 2) as [Timing, Timing]
    const [decode0, prefill0] = times as [Timing, Timing]
    return { choice, decode, prefill, score: ratio(decode, decode0) * ratio(prefill, prefill0) }
  })
  for (const { decode, prefill, score } of scores) {
    emit({
      name: 'autotune',
      value: decode.median / 2,
      unit: 'ms',
      variant: decode.name,
      shape: 'SmolLM2-135M layer',
      format: 'f16',
      spread: spread(decode.rounds.map((ms) => ms / 2)),
      rounds: options.rounds,
      prefill32Ms: prefill.median / 2,
      score,
    })
  }
  for (const model of models) model.dispose()
  const best = scores.reduce((a, b) => (b.score < a.score ? b : a))
  return { kind, ...best.choice }
}
