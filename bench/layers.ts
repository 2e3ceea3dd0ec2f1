import type { OpenedDevice } from '../src/gpu/device.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import type { WeightFormat } from '../src/types.ts'
import { interleave, ratio, spread, type Emit, type Timing, type Work } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES, shapeNamed } from './shapes.ts'
import { encodeSteps, Synthetic } from './synthetic.ts'

const FORMATS: readonly WeightFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']
const DECODE_ROWS = [1, 2, 4, 8]
const PREFILL_ROWS = [32, 128]
const LAYERS = 2

/** Steps of all layers, without embedding and head. */
async function layersWork(
  name: string,
  model: Synthetic,
  rows: number,
  position: number,
  one: boolean,
): Promise<Work> {
  const steps = (await model.bind(rows, position, one)).filter(({ step }) => step.layer !== null)
  return { name, encode: (encoder) => encodeSteps(encoder, steps) }
}

/** Milliseconds of one decoder layer: decode of 1 to 8 rows, and chunks of a prompt, per shape and weight format. */
export async function benchLayers(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  for (const shape of SHAPES) {
    for (const format of FORMATS) {
      const model = new Synthetic(opened.device, { shape, layers: LAYERS, format, variant })
      const works: Work[] = []
      for (const rows of DECODE_ROWS) works.push(await layersWork(`decode ${rows}`, model, rows, 64, false))
      for (const rows of PREFILL_ROWS) works.push(await layersWork(`prefill ${rows}`, model, rows, 0, true))
      const times = await interleave(opened.device, works, options.rounds)
      for (const [i, time] of times.entries()) {
        const rows = [...DECODE_ROWS, ...PREFILL_ROWS][i] ?? 0
        emit({
          name: `layer.${time.name.split(' ')[0]}`,
          value: time.median / LAYERS,
          unit: 'ms',
          variant: variant.name,
          shape: shape.name,
          format,
          rows,
          spread: spread(time.rounds.map((ms) => ms / LAYERS)),
          rounds: options.rounds,
          ofOneRow: ratio(time, times[0] as Timing),
          tokensPerSecond: (1000 * rows) / ((time.median / LAYERS) * shape.layers),
        })
      }
      model.dispose()
    }
  }
}

const CONTEXTS = [64, 512, 2048, 8192]

/** Cost of a decode step through the layers of a 1B model as the context grows. */
export async function benchContext(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  const shape = shapeNamed('Llama-3.2-1B')
  const model = new Synthetic(opened.device, { shape, layers: LAYERS, format: 'f32', variant, context: 8192 })
  const works = await Promise.all(
    CONTEXTS.map((context) => layersWork(`${context}`, model, 1, context - 1, true)),
  )
  const times = await interleave(opened.device, works, options.rounds)
  for (const [i, time] of times.entries()) {
    emit({
      name: 'context.decode',
      value: time.median / LAYERS,
      unit: 'ms',
      variant: variant.name,
      shape: shape.name,
      format: 'f32',
      context: CONTEXTS[i],
      spread: spread(time.rounds.map((ms) => ms / LAYERS)),
      rounds: options.rounds,
      ofContext64: ratio(time, times[0] as Timing),
    })
  }
  model.dispose()
}
