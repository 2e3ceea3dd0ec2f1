import { orderAll } from '../src/maths/fullRanking.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { HeatmapPainter } from '../src/gpu/heatmap.ts'
import { TensorCells } from '../src/gpu/heatmapCells.ts'
import { BufferLedger } from '../src/gpu/ledger.ts'
import { median, spread, type Emit } from './harness.ts'
import type { SuiteOptions } from './products.ts'

/** Frames between two waits: a software adapter's wake-up takes about as long as one frame, and varies more. */
const FRAMES = 8
const CANVAS = 512
/** Vocabulary of Qwen's models, the largest in common use. */
const VOCABULARY = 151_936

/** Milliseconds of one frame of a square tensor of `size` rows, moved on a little each time. */
function frameOf(device: GPUDevice, ledger: BufferLedger, size: number) {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const { gpu: buffer } = ledger.create('tensor', size * size * 4, usage)
  const values = Float32Array.from({ length: size * size }, (_, i) => ((i * 2654435761) % 1000) / 500 - 1)
  device.queue.writeBuffer(buffer, 0, values)
  const cells = new TensorCells(device, ledger, { buffer, slices: 1, rows: size, cols: size })
  const painter = new HeatmapPainter(device, ledger)
  const texture = device.createTexture({
    size: [CANVAS, CANVAS],
    format: 'rgba8unorm',
    usage: GPUTextureUsage.RENDER_ATTACHMENT,
  })
  const target = {
    format: 'rgba8unorm',
    width: CANVAS,
    height: CANVAS,
    view: () => texture.createView(),
  } as const
  let shift = 0
  return async (): Promise<number> => {
    const began = performance.now()
    for (let frame = 0; frame < FRAMES; frame++) {
      shift += size / 10_000
      const window: readonly [number, number] = [shift, size + shift]
      const look = { palette: 'diverging', range: 'auto', theme: 'light' } as const
      await painter.draw(target, cells, { step: '', ...look, rows: window, cols: window })
    }
    await device.queue.onSubmittedWorkDone()
    return (performance.now() - began) / FRAMES
  }
}

/** Milliseconds of one call. */
function timed(work: () => unknown): number {
  const began = performance.now()
  work()
  return performance.now() - began
}

/** What the views draw and compute: a heatmap whatever the size of its tensor, and a vocabulary put in order. */
export async function benchViews({ device }: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const ledger = new BufferLedger(device)
  const draws = [frameOf(device, ledger, 64), frameOf(device, ledger, 4096)]
  for (const draw of draws) await draw() // compiles, and reduces the large tensor to cells
  const logits = Float32Array.from({ length: VOCABULARY }, (_, i) => Math.sin(i * 12.9898) * 10)
  const [small, large, ordered, sorted]: number[][] = [[], [], [], []]
  for (let round = 0; round < Math.max(9, options.rounds); round++) {
    small!.push(await draws[0]!())
    large!.push(await draws[1]!())
    ordered!.push(timed(() => orderAll(logits)))
    sorted!.push(timed(() => logits.toSorted()))
  }
  ledger.destroyAll()
  const rounds = large!.length
  const least = (times: readonly number[] = []): number => Math.min(...times)
  emit({
    name: 'views.heatmap',
    value: median(large!),
    unit: 'ms',
    shape: '4096 × 4096',
    of64: least(large) / least(small),
    spread: spread(large!),
    rounds,
  })
  emit({
    name: 'views.order',
    value: median(ordered!),
    unit: 'ms',
    shape: `${VOCABULARY} logits`,
    ofSort: least(ordered) / least(sorted),
    spread: spread(ordered!),
    rounds,
  })
}
