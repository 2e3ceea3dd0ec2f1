import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { BufferLedger } from '../../src/gpu/ledger.ts'
import { FROM_SAMPLER, packBatch, type BatchRow } from '../../src/run/batch.ts'
import { bindRank } from '../../src/inspect/rank.ts'
import { cellWords, parseCell, type RankCell } from '../../src/ops/rank.ts'
import { randomSource } from '../random.ts'
import { rankRow } from '../reference.ts'
import { CANARY, openHarness, type Harness } from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const VARIANTS = [
  'wg32',
  'wg64',
  'wg256',
  'f16-subgroups-wg32',
  'subgroups-wg128',
  'perthread-wg32',
  'f16-subgroups-perthread-wg32',
] as const
const VOCABS = [1, 5, 255, 256, 257, 4608, 151_936]
/** Entropy and probabilities against f64 over the same logits; f32 sums in levels come to 4e-6 of entropy, so other devices' `exp` has room. */
const CLOSE = 1e-4
const MOST = 256

interface Wanted {
  row: number
  token: number | null
}

/** Runs both kernels on rows of `logits` [rows, vocab]; guards stand behind the cells. */
async function runRank(
  { pipelines, variant }: Harness,
  logits: Float32Array<ArrayBuffer>,
  vocab: number,
  topK: number,
  wanted: readonly Wanted[],
): Promise<RankCell[]> {
  const { device } = pipelines
  const ledger = new BufferLedger(device)
  const { STORAGE, COPY_DST, MAP_READ } = GPUBufferUsage
  const make = (label: string, data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>, usage = 0) => {
    const buffer = ledger.create(label, data.byteLength, usage | STORAGE | COPY_DST)
    device.queue.writeBuffer(buffer.gpu, 0, data)
    return buffer
  }
  const k = Math.min(topK, vocab)
  const batch = wanted.map(({ row, token }): BatchRow => {
    const greedy = { inverseTemperature: 0, topK: 0, topP: 1, minP: 0, seed: [0, 0] as const, counter: 0 }
    const asked = { ...greedy, ringRow: row, candidates: k }
    return { token: token ?? FROM_SAMPLER, position: 0, pages: [], slot: 0, logits: asked }
  })
  const words = wanted.length * cellWords(k)
  try {
    const { encode, cells } = await bindRank({
      pipelines,
      create: (label, bytes, usage) =>
        label === 'cells'
          ? make(label, new Uint32Array(words + 64).fill(CANARY), usage)
          : ledger.create(label, bytes, usage),
      batch: make('batch', packBatch(batch, variant.workgroup)).gpu,
      logits: make('logits', logits).gpu,
      rows: wanted.length,
      vocab,
      k,
    })
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    expect(encode(pass)).toBe(2)
    pass.end()
    const staging = ledger.create('staging', (words + 64) * 4, MAP_READ | COPY_DST)
    encoder.copyBufferToBuffer(cells, 0, staging.gpu, 0, (words + 64) * 4)
    device.queue.submit([encoder.finish()])
    await staging.gpu.mapAsync(GPUMapMode.READ)
    const read = staging.gpu.getMappedRange().slice(0)
    expect(new Set(new Uint32Array(read, words * 4, 64))).toEqual(new Set([CANARY]))
    const floats = new Float32Array(read, 0, words)
    return wanted.map((_, row) => parseCell(floats, row, k))
  } finally {
    ledger.destroyAll()
  }
}

/** Rows that go wrong in ways of their own. */
const KINDS: Record<string, (vocab: number) => Float32Array> = {
  normal: (vocab) => randomSource(vocab).normal(vocab, 3),
  // −0 ties with 0 by id.
  tied: (vocab) =>
    randomSource(vocab + 1)
      .normal(vocab)
      .map((value, i) => (i % 7 === 3 ? -0 : Math.round(value * 2) / 2)),
  outliers: (vocab) => randomSource(vocab + 2).outliers(vocab),
  equal: (vocab) => new Float32Array(vocab).fill(-1.5),
  // A plain sum of these drifts.
  tail: (vocab) => new Float32Array(vocab).fill(-1.3).with(vocab >> 1, 8.2),
  masked: (vocab) =>
    randomSource(vocab + 3)
      .normal(vocab, 2)
      .map((value, i) => (i % 3 === 1 ? -Infinity : value)),
  sole: (vocab) => new Float32Array(vocab).fill(-Infinity).with(vocab - 1, 4),
}

interface RowCase {
  logits: Float32Array
  expected: (token: number) => ReturnType<typeof rankRow>
}

const rowCases = new Map<number, RowCase[]>()

/** One row of each kind; what f64 says of them is computed once a token. */
function casesOf(vocab: number): RowCase[] {
  const cached = rowCases.get(vocab)
  if (cached) return cached
  const created = Object.values(KINDS).map((make): RowCase => {
    const logits = make(vocab)
    const ranked = new Map<number, ReturnType<typeof rankRow>>()
    const expected = (token: number): ReturnType<typeof rankRow> => {
      const result = ranked.get(token) ?? rankRow(logits, MOST, token)
      ranked.set(token, result)
      return result
    }
    return { logits, expected }
  })
  rowCases.set(vocab, created)
  return created
}

/** The first token of a row, its last, one between that often ties, and none. */
const followedIn = (vocab: number): (number | null)[] => [
  null,
  ...new Set([0, Math.floor(vocab / 3), vocab - 1]),
]

function expectCell(cell: RankCell, expected: ReturnType<typeof rankRow>, k: number, at: string): void {
  expect(
    cell.top.map(({ id }) => id),
    at,
  ).toEqual(expected.top.slice(0, k).map(({ id }) => id))
  cell.top.forEach(({ probability }, i) => {
    expect(Math.abs(probability - expected.top[i]!.probability), at).toBeLessThanOrEqual(CLOSE)
  })
  expect(
    Math.abs(cell.entropy - expected.entropy),
    `${at}: ${cell.entropy} ${expected.entropy}`,
  ).toBeLessThanOrEqual(CLOSE)
}

test('top ids, ranks, probabilities and entropy of rows of every kind, on every variant', async () => {
  const cases = pairwise({ name: VARIANTS, vocab: VOCABS, k: [1, 5, 32, MOST] })
  let ran = 0
  for (const { name, vocab, k } of cases) {
    const harness = await openHarness(name)
    if (!harness) continue
    const rows = casesOf(vocab)
    const logits = new Float32Array(rows.length * vocab)
    rows.forEach((row, i) => logits.set(row.logits, i * vocab))
    const wanted = rows.flatMap((_, row) => followedIn(vocab).map((token) => ({ row, token })))
    const cells = await runRank(harness, logits, vocab, k, wanted)
    cells.forEach((cell, i) => {
      const { row, token } = wanted[i]!
      const expected = rows[row]!.expected(token ?? vocab - 1)
      const at = `${name} vocab ${vocab} k ${k} ${Object.keys(KINDS)[row]} token ${token}`
      expectCell(cell, expected, k, at)
      if (token === null) return
      expect(cell.rank, at).toBe(expected.rank)
      expect(Math.abs(cell.probability - expected.probability), at).toBeLessThanOrEqual(CLOSE)
    })
    ran += 1
  }
  expect(ran).toBeGreaterThan(20)
})

test('a row with NaN or +∞, or with −∞ alone, has no probabilities and no entropy; its neighbours do', async () => {
  const vocab = 600
  const rows = [[NaN], [Infinity], [-NaN, NaN], [1], [-Infinity]].map((bad, i) => {
    if (bad[0] === -Infinity) return new Float32Array(vocab).fill(-Infinity)
    const row = randomSource(i).normal(vocab)
    bad.forEach((value, n) => (row[7 + 191 * (i + n)] = value))
    return row
  })
  const logits = new Float32Array(rows.flatMap((row) => [...row]))
  for (const name of ['wg32', 'wg256', 'subgroups-wg64', 'perthread-wg32']) {
    const harness = await openHarness(name)
    if (!harness) continue
    const token = 11
    const cells = await runRank(
      harness,
      logits,
      vocab,
      5,
      rows.map((_, row) => ({ row, token })),
    )
    cells.forEach((cell, i) => {
      const values = rows[i]
      invariant(values, 'a cell a row')
      const expected = rankRow(values, 5, token)
      expect([cell.rank, cell.top.length], `${name} row ${i}`).toEqual([expected.rank, 5])
      if (i === 3) return expectCell(cell, expected, 5, name)
      const numbers = [cell.entropy, cell.probability, ...cell.top.map(({ probability }) => probability)]
      expect(numbers).toEqual(Array(7).fill(NaN))
      expect([expected.entropy, expected.probability]).toEqual([NaN, NaN])
    })
  }
})
