import { describe, expect, test } from 'vitest'
import { firstLayers } from '../../src/program/firstLayers.ts'
import { stacksOf } from '../../src/program/stacks.ts'
import {
  localName,
  streamName,
  type Axis,
  type Program,
  type StreamRelation,
  lmHeadSteps,
} from '../../src/program/step.ts'
import { describeFixture, PROGRAM_MODELS, recordRows } from './models.ts'

const ROWS = 3
const LLAMA = recordRows(await describeFixture('llama'), ROWS)
const GPT2 = recordRows(await describeFixture('gpt2'), ROWS)
const GEMMA2 = recordRows(await describeFixture('gemma2'), ROWS)

/** What a recorded forward says of each step of layer 1 and of those outside the layers, by local name. */
function byName<T>({ steps }: Program, pick: (step: Program['steps'][number]) => T): Record<string, T> {
  const seen = steps.filter(({ layer }) => layer === null || layer === 1)
  return Object.fromEntries(seen.map((step) => [localName(step), pick(step)]))
}

const ATTENTION = {
  'attn.q': null,
  'attn.k': null,
  'attn.v': null,
  'attn.cache': null,
  'attn.scores': null,
  'attn.probs': null,
  'attn.context': null,
} as const
const ROTATED = { ...ATTENTION, 'attn.q_rope': null, 'attn.k_rope': null }
const OUTSIDE = { embed: 'writes', resid_attn: null, resid: null, final_norm: 'reads', logits: null } as const
const GATED = { 'mlp.gate': null, 'mlp.up': null, 'mlp.act': null } as const
const NORMED = { attn_norm: 'reads', mlp_norm: 'reads' } as const

/** The embedding starts the stream, norms read it, and what a block ends in is added to it. */
const STREAM: { name: string; program: Program; expected: Record<string, StreamRelation> }[] = [
  {
    name: 'llama',
    program: LLAMA,
    expected: { ...OUTSIDE, ...NORMED, ...ROTATED, 'attn.o': 'writes', ...GATED, 'mlp.down': 'writes' },
  },
  {
    name: 'gpt2',
    program: GPT2,
    expected: {
      ...OUTSIDE,
      ...NORMED,
      ...ATTENTION,
      'attn.o': 'writes',
      'mlp.up': null,
      'mlp.act': null,
      'mlp.down': 'writes',
    },
  },
  {
    name: 'gemma2',
    program: GEMMA2,
    expected: {
      ...OUTSIDE,
      ...NORMED,
      ...ROTATED,
      'attn.o': null,
      attn_post_norm: 'writes',
      ...GATED,
      'mlp.down': null,
      mlp_post_norm: 'writes',
    },
  },
]

test.each(STREAM)('$name: how each step stands to the residual stream', ({ program, expected }) => {
  expect(byName(program, ({ stream }) => stream)).toEqual(expected)
  expect([-1, 0, 1].map((layer) => streamName(program, layer))).toEqual([
    'embed',
    'layers.0.resid',
    'layers.1.resid',
  ])
})

/** `rows 3, features 48 of 4` */
function axesText(axes: readonly Axis[]): string {
  return axes
    .map(({ kind, size, heads }) => `${kind} ${size}${heads === undefined ? '' : ` of ${heads}`}`)
    .join(', ')
}

test('llama: axes', () => {
  const features = (width: number, heads?: number): string =>
    `rows ${ROWS}, features ${width}${heads === undefined ? '' : ` of ${heads}`}`
  const square = `heads 4, rows ${ROWS}, positions 64`
  expect(byName(LLAMA, ({ axes }) => axesText(axes))).toEqual({
    embed: features(40),
    attn_norm: features(40),
    'attn.q': features(48, 4),
    'attn.k': features(24, 2),
    'attn.v': features(24, 2),
    'attn.q_rope': features(48, 4),
    'attn.k_rope': features(24, 2),
    'attn.cache': `kv 2, ${features(24, 2)}`,
    'attn.scores': square,
    'attn.probs': square,
    'attn.context': features(48, 4),
    'attn.o': features(40),
    resid_attn: features(40),
    mlp_norm: features(40),
    'mlp.gate': features(52),
    'mlp.up': features(52),
    'mlp.act': features(52),
    'mlp.down': features(40),
    resid: features(40),
    final_norm: features(40),
    logits: `rows ${ROWS}, vocabulary 131`,
  })
})

test('llama: what the backward rule of each step needs', () => {
  const at = (name: string): string => `layers.1.${name}`
  expect(byName(LLAMA, ({ saves }) => saves)).toEqual({
    embed: [],
    attn_norm: ['layers.0.resid'],
    'attn.q': [at('attn_norm')],
    'attn.k': [at('attn_norm')],
    'attn.v': [at('attn_norm')],
    'attn.q_rope': [],
    'attn.k_rope': [],
    'attn.cache': [],
    'attn.scores': [at('attn.q_rope'), at('attn.cache')],
    'attn.probs': [at('attn.probs')],
    'attn.context': [at('attn.probs'), at('attn.cache')],
    'attn.o': [at('attn.context')],
    resid_attn: [],
    mlp_norm: [at('resid_attn')],
    'mlp.gate': [at('mlp_norm')],
    'mlp.up': [at('mlp_norm')],
    'mlp.act': [at('mlp.gate'), at('mlp.up')],
    'mlp.down': [at('mlp.act')],
    resid: [],
    final_norm: ['layers.1.resid'],
    logits: ['final_norm'],
  })
})

test.each([
  { name: 'llama', program: LLAMA, stacks: ['attn.q_k_v', 'attn.o', 'mlp.gate_up', 'mlp.down'] },
  { name: 'gpt2', program: GPT2, stacks: ['attn.q_k_v', 'attn.o', 'mlp.up', 'mlp.down'] },
  { name: 'gemma2', program: GEMMA2, stacks: ['attn.q_k_v', 'attn.o', 'mlp.gate_up', 'mlp.down'] },
])('$name: products over one input are stacked', ({ program, stacks }) => {
  const inLayers = [0, 1].flatMap((layer) => stacks.map((name) => `layers.${layer}.${name}`))
  expect(stacksOf(program).map(({ name }) => name)).toEqual([...inLayers, 'logits'])
})

describe.each(PROGRAM_MODELS)('$name', ({ model }) => {
  test('every step reads what is made before it, and says so in its shapes', () => {
    const created = new Set<string>()
    for (const { name, inputs, axes, saves } of recordRows(model, ROWS).steps) {
      expect(
        inputs.filter((input) => !created.has(input)),
        name,
      ).toEqual([])
      expect(
        saves.filter((saved) => saved !== name && !inputs.includes(saved)),
        name,
      ).toEqual([])
      expect(
        axes.filter(({ size }) => !(size > 0)),
        name,
      ).toEqual([])
      expect(axes.filter(({ kind }) => kind === 'rows').length, name).toBe(1)
      created.add(name)
    }
  })

  test.each([0, 1])('the first %i layers: the head reads the stream behind them', (count) => {
    const full = recordRows(model, ROWS)
    const { steps } = firstLayers(full, count)
    expect(steps.filter(({ layer }) => (layer ?? -1) >= count)).toEqual([])
    const [own, rest] = [steps.filter(({ layer }) => layer !== null), full.steps]
    expect(own).toEqual(rest.filter(({ layer }) => layer !== null && layer < count))
    const [first, ...head] = lmHeadSteps(full)
    expect(steps.slice(-1 - head.length)).toEqual([
      { ...first, inputs: [streamName(full, count - 1)] },
      ...head,
    ])
  })

  test('all layers are the whole program', () => {
    const full = recordRows(model, ROWS)
    expect(firstLayers(full, 2)).toBe(full)
  })
})
