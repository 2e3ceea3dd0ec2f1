import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { HeatmapPainter } from '../../src/gpu/heatmap.ts'
import { TensorCells } from '../../src/gpu/heatmapCells.ts'
import {
  palette,
  SIGNS,
  STOPS,
  type Colour,
  type PaletteName,
  type PaletteTheme,
} from '../../src/gpu/heatmapPalette.ts'
import type { DrawRequest } from '../../src/api/model.ts'
import { randomSource } from '../random.ts'
import { testDevice } from './device.ts'

/** Colours are blended in f32 and stored in 8 bits: one step, and one more where rounding meets a stop. */
const STEP = 2

let device: GPUDevice
let ledger: BufferLedger

beforeAll(async () => {
  device = (await testDevice({ limits: 'adapter', features: 'all' })).device
  ledger = new BufferLedger(device)
})
afterAll(() => ledger.destroyAll())

interface Tensor {
  slices?: number
  rows: number
  cols: number
  values: Float32Array<ArrayBuffer>
}

function makeCells({ slices = 1, rows, cols, values }: Tensor): TensorCells {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const { gpu } = ledger.create('tensor', values.byteLength, usage)
  device.queue.writeBuffer(gpu, 0, values)
  return new TensorCells(device, ledger, { buffer: gpu, slices, rows, cols })
}

const BASE = { step: '', palette: 'diverging', range: 'auto', theme: 'light' } as const

type Window = Partial<DrawRequest> & Pick<DrawRequest, 'rows' | 'cols'>

/** Pixels [height][width] of one frame. */
async function drawn(
  cells: TensorCells,
  [width, height]: readonly [number, number],
  request: Window,
): Promise<Colour[][]> {
  const texture = device.createTexture({
    size: [width, height],
    format: 'rgba8unorm',
    usage: GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC,
  })
  const painter = new HeatmapPainter(device, ledger)
  const target = { format: 'rgba8unorm', width, height, view: () => texture.createView() } as const
  await painter.draw(target, cells, { ...BASE, ...request })
  painter.dispose()
  const stride = Math.ceil((width * 4) / 256) * 256
  const staging = ledger.create('staging', stride * height, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
  const encoder = device.createCommandEncoder()
  encoder.copyTextureToBuffer({ texture }, { buffer: staging.gpu, bytesPerRow: stride }, [width, height])
  device.queue.submit([encoder.finish()])
  await staging.gpu.mapAsync(GPUMapMode.READ)
  const bytes = new Uint8Array(staging.gpu.getMappedRange().slice(0))
  ledger.destroy(staging)
  texture.destroy()
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x): Colour => {
      const at = y * stride + x * 4
      return [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!]
    }),
  )
}

function colourOf(share: number, name: PaletteName, theme: PaletteTheme = 'light'): Colour {
  const stops = palette(name, theme)
  const at = Math.min(1, Math.max(0, share)) * (STOPS - 1)
  const i = Math.min(STOPS - 2, Math.floor(at))
  return stops[i]!.map((from, c) => (from + (stops[i + 1]![c]! - from) * (at - i)) * 255) as unknown as Colour
}

function expectColour(got: Colour, expected: Colour, what: string): void {
  const worst = Math.max(...got.map((channel, i) => Math.abs(channel - expected[i]!)))
  expect(
    worst <= STEP ? 'equal' : `${what}: got ${got.join()}, want ${expected.map(Math.round).join()}`,
  ).toBe('equal')
}

const to255 = (colour: Colour): Colour => colour.map((c) => c * 255) as unknown as Colour

const matrix = (rows: number, cols: number, at: (row: number, col: number) => number): Tensor => ({
  rows,
  cols,
  values: Float32Array.from({ length: rows * cols }, (_, i) => at(Math.floor(i / cols), i % cols)),
})

describe('zoomed in, a pixel is the colour of the element under it', () => {
  const tensor = matrix(4, 6, (row, col) => row - col / 2)

  test.each(['light', 'dark'] as const)('diverging and sequential, %s', async (theme) => {
    const cells = makeCells(tensor)
    for (const name of ['diverging', 'sequential'] as const) {
      const frame = await drawn(cells, [60, 40], { rows: [0, 4], cols: [0, 6], palette: name, theme })
      for (let row = 0; row < 4; row++) {
        for (let col = 0; col < 6; col++) {
          const value = row - col / 2
          const share = name === 'diverging' ? (value + 3) / 6 : (value + 2.5) / 5.5
          for (const [x, y] of [
            [0, 0],
            [9, 9],
          ] as const) {
            const got = frame[row * 10 + y]![col * 10 + x]!
            expectColour(got, colourOf(share, name, theme), `${name} ${row},${col}`)
          }
        }
      }
    }
  })

  test('a window with fractions, a given range, symlog, slices; outside is blank', async () => {
    const values = Float32Array.from({ length: 2 * 4 * 6 }, (_, i) => i - 10)
    const cells = makeCells({ slices: 2, rows: 4, cols: 6, values })
    const request = {
      rows: [-0.5, 3.5],
      cols: [2.25, 8.25],
      slice: 1,
      range: [-50, 50],
      scale: 'symlog',
    } as const
    const frame = await drawn(cells, [24, 16], request)
    const bend = (x: number): number => Math.sign(x) * Math.log(1 + (Math.abs(x) / 50) * 1000)
    frame.forEach((line, y) =>
      line.forEach((got, x) => {
        const [row, col] = [-0.5 + (y + 0.5) / 4, 2.25 + (x + 0.5) / 4]
        const inside = row >= 0 && col < 6
        const value = values[24 + Math.floor(row) * 6 + Math.floor(col)]!
        const share = (bend(value) + bend(50)) / (2 * bend(50))
        expectColour(got, inside ? colourOf(share, 'diverging') : to255(SIGNS.light.blank), `${x},${y}`)
      }),
    )
  })

  test('NaN and infinity are striped and leave the range alone; the cursor is outlined', async () => {
    const cells = makeCells(
      matrix(
        2,
        2,
        (row, col) =>
          [
            [1, NaN],
            [-1, -Infinity],
          ][row]![col]!,
      ),
    )
    const frame = await drawn(cells, [40, 40], { rows: [0, 2], cols: [0, 2], cursor: { row: 0, col: 0 } })
    expectColour(frame[10]![10]!, colourOf(1, 'diverging'), 'finite')
    expectColour(frame[30]![10]!, colourOf(0, 'diverging'), 'negative')
    const stripes = SIGNS.light.hatch.map(to255)
    for (const [x, y] of [
      [30, 8],
      [30, 32],
    ] as const) {
      const seen = new Set(frame[y]!.slice(x - 5, x + 5).map((colour) => colour.join()))
      expect([...seen].toSorted()).toEqual(stripes.map((colour) => colour.join()).toSorted())
    }
    expectColour(frame[10]![20]!, to255(SIGNS.light.mark), 'outline')
    expectColour(frame[21]![10]!, to255(SIGNS.light.mark), 'outline')
    expectColour(frame[10]![19]!, colourOf(1, 'diverging'), 'inside the outline')
  })
})

describe('zoomed out, a pixel stands for all its elements', () => {
  /** What the elements of each pixel come to, on the host: the largest in magnitude, or the mean. */
  function hostShare(
    { rows, cols, values }: Tensor,
    [width, height]: readonly [number, number],
    mean: boolean,
  ) {
    const reach = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    return (x: number, y: number): number => {
      let [sum, count, peak] = [0, 0, 0]
      for (let row = (y * rows) / height; row < ((y + 1) * rows) / height; row++) {
        for (let col = (x * cols) / width; col < ((x + 1) * cols) / width; col++) {
          const value = values[row * cols + col]!
          if (Math.abs(value) > Math.abs(peak)) peak = value
          sum += value
          count += 1
        }
      }
      return ((mean ? sum / count : peak) + reach) / (2 * reach)
    }
  }

  test.each([
    { rows: 64, cols: 64, width: 32, height: 32 },
    { rows: 96, cols: 96, width: 32, height: 32 },
    { rows: 256, cols: 512, width: 32, height: 32 },
    { rows: 8, cols: 4096, width: 64, height: 32 },
    { rows: 2048, cols: 4, width: 16, height: 16 },
  ])('$rows × $cols on $width × $height', async ({ rows, cols, width, height }) => {
    const values = new Float32Array(randomSource(7).normal(rows * cols))
    const tensor = { rows, cols, values }
    const cells = makeCells(tensor)
    for (const detail of ['peak', 'mean'] as const) {
      const share = hostShare(
        // Rows that a pixel magnifies are compared as one pixel a row.
        tensor,
        [Math.min(width, cols), Math.min(height, rows)],
        detail === 'mean',
      )
      const frame = await drawn(cells, [width, height], { rows: [0, rows], cols: [0, cols], detail })
      const [perRow, perCol] = [Math.max(1, height / rows), Math.max(1, width / cols)]
      for (let y = 0; y < height; y += perRow) {
        for (let x = 0; x < width; x += perCol) {
          const expected = colourOf(share(x / perCol, y / perRow), 'diverging')
          expectColour(frame[y]![x]!, expected, `${detail} ${x},${y}`)
        }
      }
    }
    cells.dispose()
  })

  test('one outlier or one NaN in 4096 × 4096 is never lost; the range is exact', async () => {
    const values = new Float32Array(4096 * 4096).fill(0.5)
    values[4096 * 1000 + 3000] = -7
    values[4096 * 4095 + 4095] = NaN
    const cells = makeCells({ rows: 4096, cols: 4096, values })
    const frame = await drawn(cells, [100, 100], { rows: [0, 4096], cols: [0, 4096] })
    const special = frame.flatMap((line, y) =>
      line.flatMap((colour, x) => {
        const same = colour.every((c, i) => Math.abs(c - colourOf(7.5 / 14, 'diverging')[i]!) <= STEP)
        return same ? [] : [{ x, y, colour }]
      }),
    )
    // A cell belongs to the pixel it begins in: up to one pixel from where its element is.
    expect(special.length).toBe(2)
    expect(Math.abs(special[0]!.x - 3000 / 40.96)).toBeLessThan(2)
    expect(Math.abs(special[0]!.y - 1000 / 40.96)).toBeLessThan(2)
    expect([special[1]!.x, special[1]!.y]).toEqual([99, 99])
    expectColour(special[0]!.colour, colourOf(0, 'diverging'), 'outlier')
    const read = async (buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> => {
      const staging = ledger.create('staging', bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(buffer, 0, staging.gpu, 0, bytes)
      device.queue.submit([encoder.finish()])
      await staging.gpu.mapAsync(GPUMapMode.READ)
      const result = staging.gpu.getMappedRange().slice(0)
      ledger.destroy(staging)
      return result
    }
    expect(await cells.autoRange('sequential', read)).toEqual([-7, 0.5])
    expect(await cells.autoRange('diverging', read)).toEqual([-7, 7])
    cells.dispose()
  })
})

test('palettes: even steps of lightness, arms of equal strength, signs told apart', () => {
  const luminance = ([r, g, b]: Colour): number => {
    const [lr, lg, lb] = [r, g, b].map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * lr! + 0.7152 * lg! + 0.0722 * lb!
  }
  for (const theme of ['light', 'dark'] as const) {
    const direction = theme === 'light' ? -1 : 1
    const ramp = palette('sequential', theme).map(luminance)
    for (let i = 1; i < STOPS; i++) expect(Math.sign(ramp[i]! - ramp[i - 1]!)).toBe(direction)
    const arms = palette('diverging', theme)
    for (let i = 0; i < STOPS / 2 - 1; i++) {
      const [below, above] = [arms[i]!, arms[STOPS - 1 - i]!]
      expect(Math.abs(luminance(below) - luminance(above))).toBeLessThan(0.08)
      // Blue against orange: what red-green blindness keeps.
      expect(below[2]).toBeGreaterThan(below[0])
      expect(above[0]).toBeGreaterThan(above[2])
    }
  }
})

/** Frames of a square tensor on a square canvas, each a little further; resolves to what the device was asked for meanwhile. */
async function countFrames(
  cells: TensorCells,
  size: number,
  frames: number,
): Promise<Record<string, number>> {
  const side = 512
  const texture = device.createTexture({
    size: [side, side],
    format: 'rgba8unorm',
    usage: GPUTextureUsage.RENDER_ATTACHMENT,
  })
  const target = {
    format: 'rgba8unorm',
    width: side,
    height: side,
    view: () => texture.createView(),
  } as const
  const painter = new HeatmapPainter(device, ledger)
  const draw = (shift: number): Promise<void> => {
    const window: readonly [number, number] = [shift * size, size + shift * size]
    return painter.draw(target, cells, { ...BASE, rows: window, cols: window })
  }
  await draw(0)
  const spies = {
    buffers: vi.spyOn(device, 'createBuffer'),
    computePipelines: vi.spyOn(device, 'createComputePipelineAsync'),
    renderPipelines: vi.spyOn(device, 'createRenderPipelineAsync'),
    encoders: vi.spyOn(device, 'createCommandEncoder'),
    submits: vi.spyOn(device.queue, 'submit'),
  }
  for (let frame = 1; frame <= frames; frame++) await draw(frame / 1000)
  const counts = Object.fromEntries(Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length]))
  for (const spy of Object.values(spies)) spy.mockRestore()
  painter.dispose()
  texture.destroy()
  return counts
}

test('a frame of 4096 × 4096 asks for what one of 64 × 64 does: one submit, nothing made, nothing reduced', async () => {
  const counts: Record<string, number>[] = []
  for (const size of [64, 4096]) {
    const cells = makeCells({ rows: size, cols: size, values: new Float32Array(size * size).fill(0.5) })
    counts.push(await countFrames(cells, size, 20))
    cells.dispose()
  }
  const none = { buffers: 0, computePipelines: 0, renderPipelines: 0 }
  for (const count of counts) expect(count).toEqual({ ...none, encoders: 20, submits: 20 })
})
