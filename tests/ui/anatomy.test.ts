import { describe, expect, test } from 'vitest'
import type { StepInfo } from '../../src/api/model.ts'
import { anatomyOfSteps, outputOf } from '../../src/analysis/anatomy.ts'
import { stepsToKeep } from '../../src/ui/views/trace/store.ts'
import { PLACES, rolesOf, type StepRole } from '../../src/analysis/stepRoles.ts'
import { FIXTURES } from './fixtureNames.ts'
import { adaptedSteps, recordedSteps } from './recordedSteps.ts'

/** Steps whose names say something else than what they do, and what that is. */
const OTHER_NAMES: Readonly<Record<string, StepRole>> = {
  embed_tokens: 'embed',
  project_in: 'linear',
  project_out: 'linear',
  q_scaled: 'position_scale',
  q_clamp: 'clamp',
  k_clamp: 'clamp',
  v_clamp: 'clamp',
  embed_norm: 'norm',
  score: 'router',
  scale: 'weights',
  out: 'experts',
  dense: 'linear',
  norm: 'norm',
}

/** All other steps are called by what they do: a role that is read off the graph has that name. */
function roleByName({ name, op }: StepInfo): StepRole | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  if (op === 'positions') return 'positions'
  return OTHER_NAMES[last] ?? PLACES.find((place) => place === last)
}

describe.each(FIXTURES)('%s', (fixture) => {
  test('the role of every step follows from the graph', async () => {
    const steps = await recordedSteps(fixture)
    const roles = rolesOf(steps)
    for (const step of steps) expect([step.name, roles.get(step.name)]).toEqual([step.name, roleByName(step)])
  })

  test('a layer adds the outputs of two blocks to the stream', async () => {
    const steps = await recordedSteps(fixture)
    const anatomy = anatomyOfSteps(steps)
    // Of OPT's and BERT's norms behind the blocks the stream itself is the input.
    const overSums = ['opt-post-norm', 'bert', 'distilbert', 'roberta'].includes(fixture)
    const isNormed = !overSums && steps.some(({ name }) => name.endsWith('attn_post_norm'))
    const suffix = isNormed ? ['attn_post_norm', 'mlp_post_norm'] : ['attn.o', 'mlp.down']
    const has = (step: string): boolean => steps.some(({ name }) => name === step)
    // A layer of experts ends in their sum, or in what an expert for every row is added to.
    const ends = ['mlp.out', 'mlp.experts']
    expect(anatomy.start).toBe('embed')
    anatomy.layers.forEach(({ name, stream, attention, outputs }, layer) => {
      expect([name, stream]).toEqual([`layers.${layer}`, `layers.${layer}.resid`])
      const own = ends.find((end) => has(`layers.${layer}.${end}`))
      expect(outputs).toEqual([
        { step: `layers.${layer}.${suffix[0]}`, block: 'attn' },
        { step: `layers.${layer}.${own ?? suffix[1]}`, block: 'mlp' },
      ])
      expect(attention).toMatchObject({
        scores: `layers.${layer}.attn.scores`,
        probs: `layers.${layer}.attn.probs`,
        context: `layers.${layer}.attn.context`,
        cache: `layers.${layer}.attn.cache`,
      })
    })
    expect(outputOf(anatomy, anatomy.layers.length, 'mlp')).toBeUndefined()
  })

  test('adapters change neither', async () => {
    const [plain, adapted] = [
      await recordedSteps(fixture),
      await adaptedSteps(fixture, ['layers.0.mlp.down']),
    ]
    const [before, after] = [anatomyOfSteps(plain), anatomyOfSteps(adapted)]
    expect([after.start, after.layers]).toEqual([before.start, before.layers])
    const roles = rolesOf(adapted)
    expect(roles.get('layers.0.mlp.down.base')).toBe('down')
    expect(roles.get('layers.0.mlp.down.alt')).toBe('down')
    expect(roles.get('layers.0.mlp.down')).toBe('blend')
    expect(roles.get('layers.0.attn.o')).toBe('o')
  })

  test('a saved run keeps the stream, the weights of attention, or the logits', async () => {
    const steps = await recordedSteps(fixture)
    const layers = [...new Set(steps.flatMap(({ layer }) => layer ?? []))]
    const kept = stepsToKeep(steps)
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name)
    expect(names(kept.residuals)).toEqual(['embed', ...layers.map((layer) => `layers.${layer}.resid`)])
    expect(names(kept.attention)).toEqual(layers.map((layer) => `layers.${layer}.attn.probs`))
    expect(names(kept.logits)).toEqual(['logits'])
    expect(kept.everything).toHaveLength(steps.length)
  })
})

test('windows are those of the layers', async () => {
  const windows = async (fixture: string) =>
    anatomyOfSteps(await recordedSteps(fixture)).layers.map(({ attention }) => attention?.window)
  const gemma = await windows('gemma2')
  expect(gemma).toContain(null)
  expect(gemma.some((window) => typeof window === 'number')).toBe(true)
  expect(new Set(await windows('llama'))).toEqual(new Set([null]))
})
