import { describe, expect, test } from 'vitest'
import { layOutLayer } from '../../src/analysis/layerFlow.ts'
import { pictureOf, streamStart } from '../../src/ui/views/map/picture.ts'
import { indexInTensor, normOf, peakOf } from '../../src/ui/views/map/row.ts'
import { drawFlow, scaleFor } from '../../src/ui/views/map/flowGeometry.ts'
import { cellEdges, poolPeaks } from '../../src/ui/views/map/ink.ts'
import { nearest } from '../../src/ui/views/map/spatial.ts'
import { FIXTURES } from './fixtureNames.ts'
import { adaptedSteps, recordedSteps } from './recordedSteps.ts'

/** Widths of a wide page, of one where blocks lie below each other, and of a phone. */
const WIDTHS = [1200, 760, 360]

describe.each(FIXTURES)('%s', (fixture) => {
  test('every step stands in the picture once: before, in one layer, or behind', async () => {
    const steps = await recordedSteps(fixture)
    const { firstSteps: before, layers, lastSteps: after } = pictureOf(steps)
    const shown = [...before, ...layers.flatMap((layer) => layer.steps), ...after]
    expect(shown.map(({ name }) => name)).toEqual(steps.map(({ name }) => name))
    expect(layers.map(({ layer }) => layer)).toEqual([...layers.keys()])
  })

  test('the stream runs through all layers, and each adds what its blocks write', async () => {
    const steps = await recordedSteps(fixture)
    const picture = pictureOf(steps)
    const streams = [streamStart(picture)?.name, ...picture.layers.map(({ out }) => out)]
    picture.layers.forEach(({ steps: own, writes, heads }, at) => {
      const outside = own
        .flatMap(({ inputs }) => inputs)
        .filter((name) => !own.some((step) => step.name === name))
      expect(new Set(outside)).toEqual(new Set([streams[at]]))
      expect(writes.map(({ block }) => block)).toEqual(['attn', 'mlp'])
      for (const { step, sum } of writes)
        expect(own.find(({ name }) => name === sum)?.inputs.slice(1)).toContain(step)
      const probs = own.find(({ name }) => name === heads?.probs)
      expect(probs?.axes[0]).toEqual({ kind: 'heads', size: heads?.count })
    })
    expect(picture.lastSteps.at(-1)?.axes.at(-1)?.kind).toBe('vocabulary')
  })

  test.each([false, true])(
    'an open layer has a node for each step and an edge for each input (adapted: %s)',
    async (adapted) => {
      const steps = adapted
        ? await adaptedSteps(fixture, ['layers.0.mlp.down'])
        : await recordedSteps(fixture)
      for (const { steps: own } of pictureOf(steps).layers) {
        const flow = layOutLayer(own)
        expect(flow.places.map(({ name }) => name).toSorted()).toEqual(own.map(({ name }) => name).toSorted())
        expect(flow.edges).toEqual(
          own.flatMap(({ name, inputs }) => inputs.map((from) => ({ from, to: name }))),
        )
        const at = new Map(flow.places.map((place) => [place.name, place]))
        for (const { from, to } of flow.edges) {
          const [source, target] = [at.get(from), at.get(to)]
          if (source === undefined || target === undefined) continue
          if (source.band === target.band) expect(source.rank).toBeLessThan(target.rank)
          else {
            // From one band to a later one goes nothing but the stream.
            expect([source.band < target.band, source.column]).toEqual([true, 0])
            expect(flow.bands[target.band]?.entries).toContain(from)
          }
        }
        const spots = flow.places.map(({ band, rank, column }) => `${band}:${rank}:${column}`)
        expect(new Set(spots).size).toBe(spots.length)
      }
    },
  )

  test.each(WIDTHS)('nodes do not overlap on %i pixels, and every edge is drawn', async (width) => {
    for (const { steps } of pictureOf(await recordedSteps(fixture)).layers.slice(0, 1)) {
      const flow = layOutLayer(steps)
      const scale = scaleFor(flow, width)
      const drawn = drawFlow(flow, scale)
      const { node } = scale
      drawn.nodes.forEach((one, at) => {
        expect(one.left + node.width).toBeLessThanOrEqual(drawn.width + 1)
        for (const other of drawn.nodes.slice(at + 1)) {
          const apart =
            Math.abs(one.left - other.left) >= node.width || Math.abs(one.top - other.top) >= node.height
          expect([one.name, other.name, apart]).toEqual([one.name, other.name, true])
        }
      })
      expect(drawn.edges.map(({ from, to }) => ({ from, to }))).toEqual(flow.edges)
      if (width < 640) expect(drawn.width).toBeLessThanOrEqual(width)
    }
  })
})

test('the residual stream keeps a lane of its own, and blocks stand behind each other', async () => {
  const [layer] = pictureOf(await recordedSteps('llama')).layers
  const flow = layOutLayer(layer?.steps ?? [])
  const stream = flow.places.filter(({ column }) => column === 0).map(({ name }) => name)
  expect(stream).toEqual(['layers.0.resid_attn', 'layers.0.resid'])
  expect(flow.bands).toHaveLength(2)
})

test('an encoder sees later positions, a decoder does not', async () => {
  expect(pictureOf(await recordedSteps('bert')).seesLater).toBe(true)
  expect(pictureOf(await recordedSteps('llama')).seesLater).toBe(false)
})

describe('rows', () => {
  const axes = (...sizes: [kind: 'rows' | 'heads' | 'features' | 'experts', size: number][]) =>
    sizes.map(([kind, size]) => ({ kind, size }))

  test('an element of a row has its place in the whole tensor', () => {
    expect(indexInTensor({ axes: axes(['rows', 4], ['features', 5]) }, 2, 3)).toBe(13)
    expect(indexInTensor({ axes: axes(['heads', 2], ['rows', 4], ['features', 5]) }, 2, 8)).toBe(33)
    expect(indexInTensor({ axes: axes(['rows', 4], ['experts', 2], ['features', 5]) }, 2, 8)).toBe(28)
  })

  test('peak and norm', () => {
    const values = Float32Array.of(3, -4, 0)
    expect([peakOf(values, false), peakOf(values, true), normOf(values)]).toEqual([1, 0, 5])
    expect(peakOf(Float32Array.of(1, Number.NaN, 2), false)).toBe(1)
  })
})

describe('ink', () => {
  test('cells of a strip fill it, in order', () => {
    for (const [heads, width] of [
      [9, 200],
      [32, 64],
      [1, 40],
    ] as const) {
      const edges = cellEdges(heads, width)
      expect(edges).toHaveLength(heads)
      expect(edges[0]?.[0]).toBe(0)
      edges.forEach(([from, to], at) => {
        expect(to).toBeGreaterThan(from)
        if (at > 0) expect(from).toBeGreaterThanOrEqual(edges[at - 1]?.[1] ?? 0)
      })
    }
  })

  test('a pixel shows the largest of what lies behind it', () => {
    expect([...poolPeaks(Float32Array.of(0, 1, -3, 2, 5), 0, 4, 2)]).toEqual([1, -3])
    expect([...poolPeaks(Float32Array.of(0, 1), 0, 2, 4)]).toEqual([0, 0, 1, 1])
  })
})

test('arrow keys lead to the nearest part straight ahead', () => {
  const area = (left: number, top: number) => ({ left, top, width: 10, height: 10 })
  const areas = [area(0, 0), area(20, 0), area(40, 2), area(22, 30)]
  const from = areas[1]!
  expect(nearest(areas, from, 'ArrowRight')).toBe(2)
  expect(nearest(areas, from, 'ArrowLeft')).toBe(0)
  expect(nearest(areas, from, 'ArrowDown')).toBe(3)
  expect(nearest(areas, from, 'ArrowUp')).toBe(-1)
})
