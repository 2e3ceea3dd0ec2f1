import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { TokenscopeError } from '../../src/errors.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { isOp, type StepOf } from '../../src/program/step.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/models')

/** A fixture's description with some fields of its config changed. */
async function described(name: string, changes: Record<string, unknown> = {}): Promise<ModelDescription> {
  const folder = join(FIXTURES, name)
  const { tensors } = await openCheckpoint(nodeFolderSource(folder))
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>
  return describeModel({ ...config, ...changes }, tensors)
}

const refused = [
  { name: 'falcon', changes: { alibi: true }, field: 'alibi' },
  { name: 'opt', changes: { layer_norm_elementwise_affine: false }, field: 'layer_norm_elementwise_affine' },
  { name: 'granitemoehybrid', changes: { num_local_experts: 4 }, field: 'num_local_experts' },
  { name: 'granitemoehybrid', changes: { layer_types: ['mamba', 'attention'] }, field: 'layer_types' },
  {
    name: 'phi3-longrope',
    changes: { rope_parameters: { rope_type: 'longrope', short_factor: [1], long_factor: [1] } },
    field: 'rope_parameters.short_factor',
  },
  {
    name: 'llama-yarn-rope',
    changes: { rope_parameters: { rope_type: 'spiral', factor: 2 } },
    field: 'rope_parameters.rope_type',
  },
  { name: 'stablelm', changes: { hidden_act: 'mish' }, field: 'hidden_act' },
  {
    name: 'glm4',
    changes: { rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.2 } },
    field: 'rope_parameters.partial_rotary_factor',
  },
]

test.each(refused)('$name with another $field is refused by its name', async ({ name, changes, field }) => {
  const error: unknown = await described(name, changes).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TokenscopeError)
  expect((error as TokenscopeError).details).toMatchObject({ field })
})

/** The rotations of queries by layer: elements that turn, 0 for none. */
function turning(model: ModelDescription): number[] {
  const { steps } = model.record({ rows: 1, logitRows: 1, positions: 1 })
  const ropes = new Map(steps.filter((step) => isOp(step, 'rope')).map((step) => [step.layer, step]))
  return Array.from({ length: model.layers }, (_, n) => ropes.get(n)?.attrs.table.rotary ?? 0)
}

const windows = (model: ModelDescription): (number | null)[] =>
  model
    .record({ rows: 1, logitRows: 1, positions: 1 })
    .steps.filter((step): step is StepOf<'scores'> => isOp(step, 'scores'))
    .map(({ attrs }) => attrs.window)

const layers = [
  { name: 'smollm3', turns: [10, 10, 10, 0], windows: [null, null, null, null] },
  { name: 'exaone4', turns: [10, 10], windows: [null, null] },
  { name: 'exaone4-window', turns: [10, 10, 10, 0], windows: [12, 12, 12, null] },
  { name: 'cohere2', turns: [10, 10, 10, 0], windows: [12, 12, 12, null] },
  { name: 'olmo3', turns: [10, 10, 10, 10], windows: [12, 12, 12, null] },
  { name: 'phi3', turns: [12, 12], windows: [null, null] },
  { name: 'gpt-neox', turns: [4, 4], windows: [null, null] },
  { name: 'granitemoehybrid-nope', turns: [0, 0], windows: [null, null] },
  { name: 'opt', turns: [0, 0], windows: [null, null] },
]

test.each(layers)(
  '$name: which layers turn, and which look at a window',
  async ({ name, turns, windows: seen }) => {
    const model = await described(name)
    expect(turning(model)).toEqual(turns)
    expect(windows(model)).toEqual(seen)
  },
)

test('a theta that grows takes texts as long as its factor says; others what the config says', async () => {
  expect((await described('llama-dynamic-rope')).maxPositions).toBe(4 * 48)
  expect((await described('llama-yarn-rope')).maxPositions).toBe(128)
})

test('q, k and v of a head that lie side by side are runs of one tensor', async () => {
  const { params } = await described('gpt-neox')
  const k = params.find(({ name }) => name === 'layers.0.attn.k')
  expect(k).toMatchObject({ rows: [10, 20], runs: { count: 4, stride: 30 }, shape: [40, 40] })
})
