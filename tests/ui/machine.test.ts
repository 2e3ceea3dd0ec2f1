import { expect, test } from 'vitest'
import type { Inspection, TensorStats } from '../../src/api/model.ts'
import { checkValues, LARGE, reportText, type MachineReport } from '../../src/ui/views/models/machine.ts'
import { FAKE_INFO } from './fakeClient.ts'

const SOUND = { nan: 0, infinite: 0, absMax: 3 }
const STEPS: Record<string, Pick<TensorStats, 'nan' | 'infinite' | 'absMax'> & { data?: number[] }> = {
  embed: SOUND,
  'layers.0.resid': {
    nan: 1,
    infinite: 2,
    absMax: 70_000,
    data: [NaN, Infinity, -Infinity, -70_000, 65_504, 65_503],
  },
  logits: { ...SOUND, absMax: 12 },
}

/** A forward whose steps have these statistics; tells what was read and that it was closed. */
function fakeModel() {
  const heard: string[] = []
  const inspection = {
    steps: Object.keys(STEPS).map((name) => ({ name })),
    stats: (name: string) => Promise.resolve(STEPS[name]),
    read: (name: string) => {
      heard.push(name)
      return Promise.resolve({ data: Float32Array.from(STEPS[name]?.data ?? []) })
    },
    close: () => Promise.resolve(void heard.push('closed')),
  }
  return { heard, model: { inspect: () => Promise.resolve(inspection as unknown as Inspection) } }
}

test('every step is looked at; values that are none or too large for f16 are counted and named', async () => {
  const { heard, model } = fakeModel()
  const done: number[] = []
  const result = await checkValues(model, [1, 2, 3], (at) => done.push(at) > 0)
  expect(done).toEqual([0, 1, 2])
  expect(result).toEqual({
    tokens: 3,
    steps: 3,
    odd: [{ step: 'layers.0.resid', nan: 1, infinite: 2, large: 2 }],
    peak: { step: 'layers.0.resid', value: 70_000 },
  })
  // Only what has something to be counted is read back.
  expect(heard).toEqual(['layers.0.resid', 'closed'])
})

test('a check that is cancelled ends at the next step and frees what it held', async () => {
  const { heard, model } = fakeModel()
  expect(await checkValues(model, [1], (at) => at < 1)).toBeNull()
  expect(heard).toEqual(['closed'])
})

test('the report names the machine, what disagrees, and every odd step', () => {
  const report: MachineReport = {
    at: 0,
    browser: 'Browser 1',
    adapter: {
      name: 'google swiftshader',
      features: ['shader-f16'],
      limits: { maxBufferSize: 5 },
    },
    model: { ...FAKE_INFO, backend: 'software (google swiftshader)' },
    kernels: [
      { what: 'q8_0 weights of layers.0.attn.q', error: 1e-13, complaint: null },
      { what: 'select', error: 1, complaint: 'select: candidates 1, expected 2' },
    ],
    values: {
      tokens: 3,
      steps: 3,
      odd: [{ step: 'logits', nan: 1, infinite: 0, large: 4 }],
      peak: { step: 'embed', value: 70_000 },
    },
  }
  const text = reportText(report)
  for (const words of [
    '1970-01-01T00:00:00.000Z',
    'Browser 1',
    'google swiftshader (software: it runs on the CPU)',
    'maxBufferSize 5',
    'ok q8_0 weights of layers.0.attn.q: 1.0e-13',
    'WRONG select: candidates 1, expected 2',
    `logits: 1 NaN, 0 infinite, 4 of at least ${LARGE}`,
  ])
    expect(text).toContain(words)
  const sound = { ...report, values: { ...report.values, odd: [] } }
  expect(reportText(sound)).toContain('none is NaN')
})
