import type { OpenedDevice } from '../src/gpu/device.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import { MAX_ROWS } from '../src/run/rows.ts'
import type { LoadFormat } from '../src/api/model.ts'
import { interleave, ratio, spread, type Emit, type Timing, type Work } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES, shapeNamed, type Shape } from './shapes.ts'
import { encodeSteps, Synthetic } from './synthetic.ts'

const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']
/** Row counts that the engine has programs for. */
const DECODE_ROWS = [1, 2, 4, 8]
const PREFILL_ROWS = [32, 128, 512, 1024]
const DECODE_LAYERS = 2
/** Rounds of a long prompt: on a CPU adapter one takes seconds. */
const LONG_ROUNDS = 2

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

/** A prompt in the chunks that the engine reads it in. */
async function promptWork(model: Synthetic, rows: number): Promise<Work> {
  const chunk = Math.min(rows, MAX_ROWS)
  const chunks: Work[] = []
  for (let at = 0; at < rows; at += chunk)
    chunks.push(await layersWork(`prefill ${rows}`, model, chunk, at, true))
  return {
    name: `prefill ${rows}`,
    encode: (encoder) => chunks.forEach((work) => work.encode(encoder)),
  }
}

interface Slice {
  opened: OpenedDevice
  emit: Emit
  options: SuiteOptions
  shape: Shape
  format: LoadFormat
}

/** Times works in turn and tells them per layer. */
async function tellLayers(
  slice: Slice,
  layers: number,
  make: (model: Synthetic) => Promise<[Work, number][]>,
  rounds: number,
) {
  const { opened, emit, options, shape, format } = slice
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  const model = new Synthetic(opened.device, { shape, layers, format, variant, context: 1024 })
  const works = await make(model)
  const times = await interleave(
    opened.device,
    works.map(([work]) => work),
    rounds,
  )
  for (const [i, time] of times.entries()) {
    const rows = works[i]?.[1] ?? 0
    const least = Math.min(...time.rounds) / layers
    emit({
      name: `layer.${time.name.split(' ')[0]}`,
      value: time.median / layers,
      unit: 'ms',
      variant: variant.name,
      shape: shape.name,
      format,
      rows,
      least,
      spread: spread(time.rounds.map((ms) => ms / layers)),
      rounds,
      ...(time.name.startsWith('decode') ? { ofOneRow: ratio(time, times[0] as Timing) } : {}),
      tokensPerSecond: (1000 * rows) / (least * shape.layers),
    })
  }
  model.dispose()
}

/** Milliseconds of one decoder layer: decode of 1 to 8 rows, and prompts of 32 to 1024, per shape and weight format. */
export async function benchLayers(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  for (const shape of SHAPES.filter(({ name }) => options.shapes?.includes(name) ?? true)) {
    for (const format of FORMATS.filter((each) => options.formats?.includes(each) ?? true)) {
      const slice = { opened, emit, options, shape, format }
      const decode = async (model: Synthetic): Promise<[Work, number][]> =>
        Promise.all(
          DECODE_ROWS.map(async (rows): Promise<[Work, number]> => [
            await layersWork(`decode ${rows}`, model, rows, 64, false),
            rows,
          ]),
        )
      await tellLayers(slice, DECODE_LAYERS, decode, options.rounds)
      const prefill = async (model: Synthetic): Promise<[Work, number][]> =>
        Promise.all(
          PREFILL_ROWS.map(async (rows): Promise<[Work, number]> => [await promptWork(model, rows), rows]),
        )
      await tellLayers(slice, 1, prefill, Math.min(LONG_ROUNDS, options.rounds))
    }
  }
}

const CONTEXTS = [64, 512, 2048, 8192]

/** Cost of a decode step through the layers of a 1B model as the context grows. */
export async function benchContext(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  const shape = shapeNamed('Llama-3.2-1B')
  const model = new Synthetic(opened.device, {
    shape,
    layers: DECODE_LAYERS,
    format: 'f32',
    variant,
    context: 8192,
  })
  const works = await Promise.all(
    CONTEXTS.map((context) => layersWork(`${context}`, model, 1, context - 1, true)),
  )
  const times = await interleave(opened.device, works, options.rounds)
  for (const [i, time] of times.entries()) {
    emit({
      name: 'context.decode',
      value: time.median / DECODE_LAYERS,
      unit: 'ms',
      variant: variant.name,
      shape: shape.name,
      format: 'f32',
      context: CONTEXTS[i],
      least: Math.min(...time.rounds) / DECODE_LAYERS,
      spread: spread(time.rounds.map((ms) => ms / DECODE_LAYERS)),
      rounds: options.rounds,
      ofContext64: ratio(time, times[0] as Timing),
    })
  }
  model.dispose()
}
