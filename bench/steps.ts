import type { OpenedDevice } from '../src/gpu/device.ts'
import { profileSteps } from '../src/gpu/profiler.ts'
import { chooseVariant } from '../src/gpu/variants.ts'
import type { BoundStep } from '../src/run/bind.ts'
import type { LoadFormat } from '../src/api/model.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'
import { SHAPES, type Shape } from './shapes.ts'
import { Synthetic } from './synthetic.ts'

const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']
/** Layers whose steps of one name are timed as one, so that no matrix is read twice in a row. */
const LAYERS = 4
const CONTEXT = 512
const ROWS = [1, 32]

const localName = ({ step }: BoundStep): string => step.name.split('.').slice(2).join('.')

/** The layers' steps of the same name as one step. */
function byName(steps: readonly BoundStep[]): BoundStep[] {
  const found = new Map<string, BoundStep>()
  for (const each of steps.filter(({ step }) => step.layer !== null)) {
    const name = localName(each)
    const before = found.get(name)?.dispatches ?? []
    found.set(name, { step: { ...each.step, name }, dispatches: [...before, ...each.dispatches] })
  }
  return [...found.values()]
}

/** Bytes that cannot come from elsewhere than memory: the step's matrices, or the keys and values it attends to. */
function bytesOf(model: Synthetic, step: BoundStep['step'], shape: Shape): number | null {
  if (step.op === 'attention') return 2 * CONTEXT * shape.kvHeads * shape.headDim * 4
  const matrices = step.params.filter(({ role }) => role === 'matrix')
  return matrices.length === 0 ? null : matrices.reduce((sum, { name }) => sum + model.matrixBytes(name), 0)
}

interface Slice {
  device: GPUDevice
  emit: Emit
  rounds: number
  model: Synthetic
  shape: Shape
  common: { variant: string; shape: string; format: LoadFormat }
}

/** Times the steps of a layer for so many rows, round by round. */
async function timeRows({ device, emit, rounds, model, shape, common }: Slice, rows: number): Promise<void> {
  const steps = byName(await model.bind(rows, CONTEXT - rows, true))
  const timed = steps.map(({ step, dispatches }) => ({ name: step.name, dispatches }))
  const taken: number[][] = steps.map(() => [])
  for (let round = 0; round < rounds; round++) {
    const times = await profileSteps(device, model.ledger, timed)
    times.forEach(({ microseconds }, i) => taken[i]?.push((microseconds ?? NaN) / LAYERS))
  }
  for (const [i, { step, dispatches }] of steps.entries()) {
    const own = taken[i] ?? []
    const least = Math.min(...own)
    const bytes = bytesOf(model, step, shape)
    emit({
      ...common,
      name: 'step.time',
      value: median(own),
      unit: 'µs',
      step: step.name,
      op: step.op,
      rows,
      context: CONTEXT,
      dispatches: dispatches.length / LAYERS,
      least,
      spread: spread(own),
      rounds,
      gbPerSecond: bytes === null ? null : bytes / least / 1e3,
      gflops: step.flops / least / 1e3,
    })
  }
}

/** Microseconds, GB/s and GFLOP/s (of the least time) of every step of a layer, each alone between GPU timestamps. */
export async function benchSteps(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const { device } = opened
  const variant = chooseVariant(opened.kind, opened.features, options.variant)
  const shapes = SHAPES.filter(({ name }) => options.shapes?.includes(name) ?? name === 'Llama-3.2-1B')
  for (const shape of shapes) {
    for (const format of FORMATS.filter((each) => options.formats?.includes(each) ?? true)) {
      const model = new Synthetic(device, { shape, layers: LAYERS, format, variant, context: 2 * CONTEXT })
      const common = { variant: variant.name, shape: shape.name, format }
      const slice = { device, emit, rounds: options.rounds, model, shape, common }
      for (const rows of ROWS) await timeRows(slice, rows)
      model.dispose()
    }
  }
}
