import { describe, expect, test } from 'vitest'
import { MODEL_TYPES } from '../describeModel.ts'
import { withAdapters, withEdits, isEditable, type AdapterChanges } from '../../src/program/changes.ts'
import { fuse } from '../../src/program/fuse.ts'
import { resized } from '../../src/program/resized.ts'
import { isOp, type Program, type Step } from '../../src/program/step.ts'
import { FUSE, PROGRAM_MODELS, recordRows } from './models.ts'
import { programText } from './programText.ts'

/** One row is decoded, eight are a draft or several texts, 128 are a chunk of a prompt. */
const ROWS = [1, 8, 128]
/** Rows that a program is recorded for, and those that fewer of them are lowered for like it, with those that want logits. */
const FEWER = [
  [8, 1, 1],
  [8, 4, 2],
  [8, 8, 0],
  [8, 2, 0],
  [128, 32, 8],
  [128, 128, 1],
  [128, 32, 0],
] as const
const PROBABILITIES = 'layers.0.attn.probs'

const LOW_RANK: AdapterChanges = { ranks: () => 4, replacers: () => 0 }
const everyParam = (program: Program): AdapterChanges => {
  const own = new Set(program.steps.filter(({ params }) => params.length > 0).map(({ name }) => name))
  return { ranks: () => 0, replacers: (step) => Number(own.has(step)) }
}

/** What is woven into a recorded forward before it is lowered. */
const CHANGES: Readonly<Record<string, (program: Program) => Program>> = {
  plain: (program) => program,
  'adapters on every stack': (program) => withAdapters(program, LOW_RANK),
  'every module replaced': (program) => withAdapters(program, everyParam(program)),
  'edits at every step': (program) => withEdits(program, editable(program)),
  'adapters and edits': (program) => withEdits(withAdapters(program, LOW_RANK), editable(program)),
}

/** A norm of all rows that is folded into the head is done for those with logits alone. */
function withoutHeadFlops(program: Program): Program {
  const steps = program.steps.map((step): Step => (step.rows === 'all' ? step : { ...step, flops: 0 }))
  return { ...program, steps }
}

/** Where the engine can edit: rows of features, and scores. */
function editable({ steps }: Program): (name: string) => boolean {
  const names = new Set(
    steps.filter((step) => isEditable(step) || isOp(step, 'scores')).map(({ name }) => name),
  )
  return (name) => names.has(name)
}

/** What is wrong with a lowered program: it should hold every fine step in one place and read only what is made. */
function faultsOf(fine: Program, lowered: Program, observed: readonly string[]): string[] {
  const places = new Map<string, number>(fine.steps.map(({ name }) => [name, 0]))
  const created = new Map<string, Step>()
  const faults: string[] = []
  for (const step of lowered.steps) {
    for (const name of step.covers.length > 0 ? step.covers : [step.name])
      places.set(name, (places.get(name) ?? NaN) + 1)
    for (const input of step.inputs)
      if (!created.has(input)) faults.push(`${step.name} reads ${input} before it is made`)
    if (created.has(step.name)) faults.push(`${step.name} is made twice`)
    created.set(step.name, step)
  }
  for (const [name, times] of places) if (times !== 1) faults.push(`${name} is in ${times} places`)
  for (const name of observed) {
    const step = created.get(name)
    // A kernel's output is that of the last step it covers; but where keys enter the cache it is the queries.
    const isSeen =
      step && (step.covers.length === 0 || (step.covers.at(-1) === name && !isOp(step, 'rope_cache')))
    if (!isSeen) faults.push(`${name} is observed and not there`)
  }
  return faults
}

function expectSound(fine: Program, lowered: Program, observed: readonly string[]): void {
  expect(faultsOf(fine, lowered, observed), `${observed.join()} observed`).toEqual([])
  expect(paramsOf(lowered.steps), 'parameters').toEqual(paramsOf(fine.steps))
  expect(flopsOf(lowered), 'operations').toBe(flopsOf(fine))
}

const paramsOf = (steps: readonly Step[]): string[] =>
  [...new Set(steps.flatMap(({ params }) => params.map(({ name }) => name)))].sort()
const flopsOf = ({ steps }: Program): number => steps.reduce((sum, { flops }) => sum + flops, 0)

/** Their classes took over RoBERTa's forward pass whole. */
const AS_ROBERTA = ['camembert', 'xlm-roberta']

test('every model type of every architecture is here', () => {
  const here = new Set(PROGRAM_MODELS.map(({ model }) => model.modelType))
  const known = MODEL_TYPES
  expect(known.filter((type) => !here.has(type) && !AS_ROBERTA.includes(type))).toEqual([])
})

describe.each(PROGRAM_MODELS)('$name', ({ name, model }) => {
  test('the lowered programs are those of the snapshot', async () => {
    const texts = ROWS.flatMap((rows) =>
      [[], [PROBABILITIES]].map((observed) => {
        const seen = observed.length > 0 ? `, ${observed.join()} observed` : ''
        const lowered = fuse(recordRows(model, rows), { ...FUSE, observed })
        return `# ${rows} ${rows === 1 ? 'row' : 'rows'}${seen}\n${programText(lowered)}\n`
      }),
    )
    await expect(texts.join('\n')).toMatchFileSnapshot(`lowered/${name}.txt`)
  })

  describe.each(Object.entries(CHANGES))('%s', (what, change) => {
    test.each(ROWS)('%i rows: nothing is lost, whatever is observed', (rows) => {
      const fine = change(recordRows(model, rows))
      // The layers are alike; of a changed program every fourth step is taken, others for other rows.
      const each = what === 'plain' ? 1 : 4
      const steps = fine.steps.filter(({ layer }, i) => layer !== 1 && i % each === rows % each)
      for (const observed of [[], ...steps.map(({ name }) => [name])])
        expectSound(fine, fuse(fine, { ...FUSE, observed }), observed)
    })

    test.each(ROWS)('%i rows: all observed is the fine program itself', (rows) => {
      const fine = change(recordRows(model, rows))
      expect(fuse(fine, { ...FUSE, observed: fine.steps.map(({ name }) => name) })).toEqual(fine)
    })

    test.each(ROWS)('%i rows: matrices in several buffers', (rows) => {
      const fine = change(recordRows(model, rows))
      expectSound(fine, fuse(fine, { ...FUSE, isSingleBuffer: () => false }), [])
    })
  })

  test.each(['plain', 'adapters and edits'])('%s: fewer rows are what fusing them anew gives', (name) => {
    const change = CHANGES[name]!
    const lowered = (rows: number, logitRows: number): Program =>
      fuse(change(recordRows(model, rows, { logitRows })), FUSE)
    for (const [most, rows, logitRows] of FEWER) {
      const fewer = resized(lowered(most, logitRows && 8), { rows, logitRows })
      expect(withoutHeadFlops(fewer)).toEqual(withoutHeadFlops(lowered(rows, logitRows)))
    }
  })

  test('a forward whose logits are not wanted ends behind the layers', () => {
    const { steps } = fuse(recordRows(model, 128, { logitRows: 0 }), FUSE)
    expect(steps.at(-1)?.layer).toBe(1)
  })

  test('no norm is folded into many rows, where each output would norm them anew', () => {
    const { steps } = fuse(recordRows(model, 128), FUSE)
    const folded = steps.filter(({ layer, op }) => layer !== null && /^norm_(linear|gated|lora_a)/.test(op))
    expect(folded.map(({ name }) => name)).toEqual([])
  })
})

/** Dispatches of an unobserved layer that decodes one row: these bodies have bars of their own, any other takes at most twelve. */
const DISPATCHES: Readonly<Record<string, number>> = {
  llama: 7,
  'mistral-window': 7,
  qwen2: 7,
  qwen3: 7,
  gpt2: 7,
  gemma2: 9,
  gemma3: 9,
}
const MAX_DISPATCHES = 12

test.each(PROGRAM_MODELS)('$name decodes within its dispatches a layer', ({ name, model }) => {
  const { steps } = fuse(recordRows(model, 1), FUSE)
  for (const layer of [0, 1]) {
    const own = steps.filter((step) => step.layer === layer)
    // Attention over parts of the positions, then over the parts.
    const count = own.reduce((sum, { op }) => sum + (op === 'attention' ? 2 : 1), 0)
    expect(count).toBeLessThanOrEqual(DISPATCHES[name] ?? MAX_DISPATCHES)
  }
})
