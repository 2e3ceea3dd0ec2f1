import { TokenscopeError } from '../errors.ts'
import { HeatmapCanvas } from '../gpu/heatmap.ts'
import { profileSteps } from '../gpu/profiler.ts'
import type {
  DrawRequest,
  InspectedStep,
  Inspection,
  InspectOptions,
  StepInfo,
  TensorData,
  TensorStats,
} from '../api/model.ts'
import { describeSteps } from '../run/describe.ts'
import { createTensors, fineProgram, runKept, type ForwardInput, type LastingForward } from './forward.ts'
import { checkRange, rangeStats, rowRanges } from './readback.ts'
import { InspectTensors, planKept } from './tensors.ts'
import { elementsOf, isOp, rowAxis, shapeOf, type Program, type Step } from '../program/step.ts'
import { WeightReader } from '../weights/reader.ts'

const DEFAULT_BUDGET = 256 * 1024 * 1024

/** One forward kept on the GPU: see {@link Inspection}. The engine opens it and closes it at the latest when it is disposed of. */
export class InspectionSession implements Inspection {
  readonly ids: readonly number[]
  readonly steps: readonly InspectedStep[]
  private readonly input: ForwardInput
  private readonly program: Program
  private readonly tensors: InspectTensors
  private readonly canvases = new Map<number, HeatmapCanvas>()
  private readonly statsCache = new Map<string, Promise<TensorStats>>()
  private readonly busy = new Set<Promise<unknown>>()
  private nextCanvas = 1
  private closing: Promise<void> | null = null
  private readonly onClose: (session: InspectionSession) => void

  private constructor(
    input: ForwardInput,
    parts: { program: Program; infos: readonly StepInfo[]; tensors: InspectTensors },
    onClose: (session: InspectionSession) => void,
  ) {
    this.ids = input.ids
    this.input = input
    this.program = parts.program
    this.tensors = parts.tensors
    this.onClose = onClose
    this.steps = parts.infos.map((info) => ({ ...info, retained: parts.tensors.has(info.name) }))
  }

  /** Runs the forward, in turn with swaps of adapters. `onClose` hears of it once everything is freed. */
  static open(
    input: ForwardInput,
    { retain = [], budgetBytes = DEFAULT_BUDGET }: Pick<InspectOptions, 'retain' | 'budgetBytes'>,
    onClose: (session: InspectionSession) => void,
  ): Promise<InspectionSession> {
    return input.runner.exclusive(async () => {
      const { runner, ids } = input
      const program = fineProgram(input)
      const infos = await describeSteps(runner, ids.length, {
        adapters: runner.adapters,
        edits: input.conditions.edits,
        mask: input.conditions.mask,
      })
      const largest = runner.device.limits.maxStorageBufferBindingSize
      const tensors = new InspectTensors(input, program, budgetBytes)
      await tensors.retain(planKept(program, { retain, budget: budgetBytes, largest }))
      return new InspectionSession(input, { program, infos, tensors }, onClose)
    })
  }

  get retainedBytes(): number {
    return this.tensors.bytes
  }

  private step(name: string): Step {
    const step = this.program.steps.find((candidate) => candidate.name === name)
    if (step) return step
    throw new TokenscopeError('bad-argument', `This forward has no step "${name}".`, {
      hint: 'Names are listed in the inspection’s steps.',
      details: { step: name },
    })
  }

  /** Runs a call; `close` waits for it. */
  private async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.closing) {
      throw new TokenscopeError('bad-argument', 'This inspection was closed.', { hint: 'Inspect again.' })
    }
    const result = work()
    this.busy.add(result)
    try {
      return await result
    } finally {
      this.busy.delete(result)
    }
  }

  read(
    name: string,
    { begin = 0, end }: { begin?: number | undefined; end?: number | undefined } = {},
  ): Promise<TensorData> {
    return this.run(async () => {
      const step = this.step(name)
      const count = elementsOf(step)
      const to = end ?? count
      checkRange(name, begin, to, count)
      const shape = begin === 0 && to === count ? shapeOf(step) : [to - begin]
      const { runner } = this.input
      const data = await this.tensors.use(step, ({ buffer }) =>
        runner.executor.readElements(buffer.gpu, [[begin, to]]),
      )
      return { shape, data }
    })
  }

  row(name: string, row: number): Promise<TensorData> {
    return this.run(async () => {
      const step = this.step(name)
      const ranges = this.rangesOf(step, row)
      const { runner } = this.input
      const data = await this.tensors.use(step, ({ buffer }) =>
        runner.executor.readElements(buffer.gpu, ranges),
      )
      return { shape: shapeOf(step).filter((_, axis) => axis !== rowAxis(step)), data }
    })
  }

  private rangesOf(step: Step, row: number | undefined): readonly (readonly [number, number])[] {
    if (row === undefined) return [[0, elementsOf(step)]]
    const axis = rowAxis(step)
    checkRange(`${step.name} row`, row, row + 1, shapeOf(step)[axis] ?? 0)
    return rowRanges(shapeOf(step), axis, row)
  }

  stats(name: string, { row }: { row?: number | undefined } = {}): Promise<TensorStats> {
    return this.run(() => {
      const key = `${name}@${row ?? ''}`
      const cached = this.statsCache.get(key)
      if (cached) return cached
      const stats = this.measure(this.step(name), row)
      this.statsCache.set(key, stats)
      stats.catch(() => this.statsCache.delete(key))
      return stats
    })
  }

  private async measure(step: Step, row: number | undefined): Promise<TensorStats> {
    const ranges = this.rangesOf(step, row)
    return this.tensors.use(step, ({ buffer }) => rangeStats(this.input.runner, buffer.gpu, ranges))
  }

  weights(name: string, output: number): Promise<{ weights: Float32Array; bias: number | null }> {
    return this.run(async () => {
      const step = this.step(name)
      const [param] = isOp(step, 'linear', 'expert_linear') ? step.params : []
      const matrix = param?.name
      const { runner } = this.input
      if (matrix === undefined || !runner.weights.has(matrix)) {
        throw new TokenscopeError('bad-argument', `"${name}" multiplies by no matrix of the model.`, {
          hint: 'Ask for a step whose op is linear or expert_linear.',
          details: { step: name, op: step.op },
        })
      }
      const outputs = isOp(step, 'linear') ? shapeOf(step).at(-1) : param?.shape[0]
      checkRange(`${name} columns`, output, output + 1, outputs ?? 0)
      return new WeightReader(runner).row(runner.weights.view(matrix), output)
    })
  }

  attach(canvas: OffscreenCanvas): Promise<number> {
    return this.run(() => {
      const { device, ledger } = this.input.runner
      const number = this.nextCanvas++
      this.canvases.set(number, new HeatmapCanvas(device, ledger, canvas))
      return Promise.resolve(number)
    })
  }

  private canvas(number: number): HeatmapCanvas {
    const canvas = this.canvases.get(number)
    if (canvas) return canvas
    throw new TokenscopeError('bad-argument', `No canvas ${number} is attached to this inspection.`, {
      hint: 'Canvas numbers are what attach returned.',
    })
  }

  resize(canvas: number, width: number, height: number): Promise<void> {
    return this.run(() => Promise.resolve(this.canvas(canvas).resize(width, height)))
  }

  draw(canvas: number, request: DrawRequest): Promise<{ range: readonly [number, number] }> {
    return this.run(async () => {
      const target = this.canvas(canvas)
      const { runner } = this.input
      return this.tensors.use(this.step(request.step), async ({ cells }) => {
        await target.draw(cells, request)
        if (request.range !== 'auto') return { range: request.range }
        const read = (buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> => runner.read(buffer, 0, bytes)
        return { range: await cells.autoRange(request.palette, read) }
      })
    })
  }

  time(name: string): Promise<{ microseconds: number | null }> {
    return this.run(async () => {
      const step = this.step(name)
      const { runner } = this.input
      return runner.exclusive(async () => {
        this.tensors.checkFresh()
        const { forward } = this.tensors
        if (forward) return this.profile(step, forward.bound.steps)
        const buffers = await createTensors(runner, [step])
        try {
          const { run, bound } = await runKept(this.input, buffers, true)
          try {
            return await this.profile(step, bound.steps)
          } finally {
            run.dispose()
          }
        } finally {
          buffers.forEach((buffer) => runner.ledger.destroy(buffer))
        }
      })
    })
  }

  private async profile(
    { name }: Step,
    steps: LastingForward['bound']['steps'],
  ): Promise<{ microseconds: number | null }> {
    const { device, ledger } = this.input.runner
    const stepDispatches = steps
      .filter(({ step }) => step.name === name)
      .map(({ dispatches }) => ({ name, dispatches }))
    const [time] = await profileSteps(device, ledger, stepDispatches)
    return { microseconds: time?.microseconds ?? null }
  }

  close(): Promise<void> {
    this.closing ??= this.free()
    return this.closing
  }

  private async free(): Promise<void> {
    await Promise.allSettled(this.busy)
    for (const canvas of this.canvases.values()) canvas.dispose()
    this.canvases.clear()
    this.tensors.dispose()
    this.onClose(this)
  }
}
