import type { Result } from './harness.ts'

/** Something the kernels promise, and where it stands. */
export interface Bar {
  readonly bar: string
  /** What was measured, and for which shape or format. */
  readonly measured: readonly { of: string; value: number }[]
  readonly holds: boolean
}

interface Rule {
  bar: string
  /** Result the rule looks at. */
  name: string
  /** The number checked; null when this result is not meant. */
  read(result: Result): number | null
  holds(value: number): boolean
  /** Only on this class of adapter; absent: on all. */
  on?: 'cpu' | 'gpu'
}

const detail = (key: string) => (result: Result) => {
  const value = result[key]
  return typeof value === 'number' ? value : null
}
const formatOf = (result: Result): string => (typeof result['format'] === 'string' ? result['format'] : '')
const kindOf = (result: Result): string =>
  typeof result['adapterKind'] === 'string' ? result['adapterKind'] : ''
const only = (formats: readonly string[], key: string) => (result: Result) =>
  formats.includes(formatOf(result)) ? detail(key)(result) : null

/** Whether a load made another format of the file's than it has. */
const isQuantised = (result: Result): boolean =>
  !String(result['source']).toLowerCase().startsWith(formatOf(result))

const RULES: readonly Rule[] = [
  {
    bar: 'f32 matvec reads at half of the fastest read kernel or more',
    name: 'matvec.bandwidth',
    read: only(['f32'], 'ofFastestRead'),
    holds: (value) => value >= 0.5,
  },
  {
    bar: 'f16 and q8_0 matvec take no longer than f32',
    name: 'matvec.bandwidth',
    read: only(['f16', 'q8_0'], 'timeOfF32'),
    holds: (value) => value <= 1,
  },
  {
    bar: '8 rows cost at most 4 times one row',
    name: 'matvec.bandwidth',
    read: detail('eightRowsCost'),
    holds: (value) => value <= 4,
    on: 'cpu',
  },
  {
    bar: '8 rows cost at most 1.5 times one row',
    name: 'matvec.bandwidth',
    read: detail('eightRowsCost'),
    holds: (value) => value <= 1.5,
    on: 'gpu',
  },
  {
    bar: 'f16 matvec reads at 80 % of copy bandwidth or more',
    name: 'matvec.bandwidth',
    read: only(['f16'], 'ofCopy'),
    holds: (value) => value >= 0.8,
    on: 'gpu',
  },
  {
    bar: 'q4_0 matvec reads at 65 % of copy bandwidth or more',
    name: 'matvec.bandwidth',
    read: only(['q4_0'], 'ofCopy'),
    holds: (value) => value >= 0.65,
    on: 'gpu',
  },
  {
    bar: 'a row through Q4_K, Q6_K, Q4_1 and bf16 takes at most 1.2 times that through q4_0, q8_0 and f16 of the same bytes',
    name: 'format.speed',
    read: only(['q4_k', 'q6_k', 'q4_1', 'bf16'], 'timeOfBeside'),
    holds: (value) => value <= 1.2,
    on: 'cpu',
  },
  {
    bar: 'a model loads at 150 MB/s, quantised at 100 MB/s',
    name: 'load.model',
    read: (result) => (isQuantised(result) ? 1.5 : 1) * result.value,
    holds: (value) => value >= 150,
    on: 'cpu',
  },
  {
    bar: 'a model loads at a quarter of copying its bytes in memory',
    name: 'load.model',
    read: (result) => (isQuantised(result) ? null : detail('ofCopy')(result)),
    holds: (value) => value >= 0.25,
    on: 'cpu',
  },
  {
    bar: 'JavaScript holds at most 96 MB more while a model loads',
    name: 'load.model',
    read: detail('heapGrowthMB'),
    holds: (value) => value <= 96,
  },
  {
    bar: 'prefill of 128 rows is at least twice as fast as a naive 8×8-tile matmul',
    name: 'matmul.rate',
    read: detail('timesNaive'),
    holds: (value) => value >= 2,
  },
  {
    bar: 'decode at context 2048 costs at most 1.3 times context 64',
    name: 'context.decode',
    read: (result) => (result['context'] === 2048 ? detail('ofContext64')(result) : null),
    holds: (value) => value <= 1.3,
  },
  {
    bar: 'an adapter of rank 8 on every linear costs at most 15 % of a decode step at the layers of Llama-3.2-1B',
    name: 'adapters.layer.decode',
    read: (result) => (result['adapterKind'] === 'base' ? null : detail('ofBase')(result)),
    holds: (value) => value <= 1.15,
    on: 'cpu',
  },
  {
    bar: 'an adapter of rank 8 on every linear costs at most 35 % of a decode step of the bundled model',
    name: 'adapters.model.decode',
    read: (result) => (result['adapterKind'] === 'base' ? null : detail('ofBase')(result)),
    holds: (value) => value <= 1.35,
    on: 'cpu',
  },
  {
    bar: 'a step of training costs at most 4 times a forward of the same rows',
    name: 'train.step',
    read: detail('ofForward'),
    holds: (value) => value <= 4,
    on: 'cpu',
  },
  {
    bar: 'a frame of a 4096 × 4096 tensor costs at most 1.5 times one of 64 × 64',
    name: 'views.heatmap',
    read: detail('of64'),
    holds: (value) => value <= 1.5,
  },
  {
    bar: 'a vocabulary is put in order, ids and all, in at most 4 times a sort of its logits alone',
    name: 'views.order',
    read: detail('ofSort'),
    holds: (value) => value <= 4,
  },
  {
    bar: 'the self-test takes at most a fifth of the time to the first token of a cold page',
    name: 'page.firstToken.selfTest',
    read: detail('ofTotal'),
    holds: (value) => value <= 0.2,
  },
  {
    bar: 'no script of the page runs for more than 50 ms at a stretch in half a minute of writing',
    name: 'page.writing',
    read: detail('longScripts'),
    holds: (value) => value === 0,
  },
  {
    bar: 'a step is on screen within 9 frames of its key, 19 times of 20',
    name: 'page.stepShown',
    read: detail('p95'),
    holds: (value) => value <= 9,
  },
  {
    bar: 'a text is written on while an adapter loads beside it',
    name: 'page.adapterLoad',
    read: detail('tokensDuring'),
    holds: (value) => value > 0,
  },
  {
    bar: 'a view of a text that has been read shows something of use within 150 ms',
    name: 'page.viewSwitch',
    read: ({ value }) => value,
    holds: (value) => value <= 150,
  },
  {
    bar: 'no task of the page takes more than 50 ms while views are switched',
    name: 'page.viewSwitch',
    read: detail('longTask'),
    holds: (value) => value <= 50,
  },
  {
    bar: 'the first rows of attention over 460 tokens are there within 1.5 s',
    name: 'page.firstAttention',
    read: ({ value }) => value,
    holds: (value) => value <= 1500,
  },
  {
    bar: 'the first rows of the lens over 460 tokens are there within 1.5 s',
    name: 'page.firstLens',
    read: ({ value }) => value,
    holds: (value) => value <= 1500,
  },
]

/** Every bar that these results speak of. */
export function checkBars(results: readonly Result[], kind: 'cpu' | 'gpu'): Bar[] {
  return RULES.filter((rule) => rule.on === undefined || rule.on === kind).flatMap((rule) => {
    const measured = results
      .filter(({ name }) => name === rule.name)
      .flatMap((result) => {
        const value = rule.read(result)
        return value === null
          ? []
          : [
              {
                of: [result.shape, formatOf(result), kindOf(result)].filter((part) => part !== '').join(' '),
                value,
              },
            ]
      })
    if (measured.length === 0) return []
    return [{ bar: rule.bar, measured, holds: measured.every(({ value }) => rule.holds(value)) }]
  })
}
