import type {
  ComparedToken,
  GeneratedToken,
  GenerateOptions,
  Model,
  Prompt,
  ScoredToken,
  SpeculatedRound,
} from '../api/model.ts'
import { generateTokens } from '../decode/generate.ts'
import { checkIds, checkOptions } from '../decode/options.ts'
import { TokenscopeError } from '../errors.ts'
import { isStream } from '../program/recorder.ts'
import type { Conditions } from '../run/conditions.ts'
import type { EngineContext } from './context.ts'

/** Methods that decode; those that stream may also be stepped by hand. */
export interface DecodeMethods extends Pick<Model, 'fork' | 'expand'> {
  generate(...args: Parameters<Model['generate']>): AsyncGenerator<GeneratedToken>
  compare(...args: Parameters<Model['compare']>): AsyncGenerator<ComparedToken>
  score(...args: Parameters<Model['score']>): AsyncGenerator<readonly ScoredToken[]>
  speculate(...args: Parameters<Model['speculate']>): AsyncGenerator<SpeculatedRound>
}

/** Writing, branching and scoring. Code beyond generating is fetched when it is first used. */
export function decodeMethods(context: EngineContext): DecodeMethods {
  return {
    generate: (prompt, options = {}) => generate(context, prompt, options),
    compare: (prompt, options) => compare(context, prompt, options),
    async *score(...args) {
      context.needDecoder('score')
      const { scoreText } = await import('../decode/score.ts')
      // On pages and logits of its own: it needs no turn.
      yield* scoreText(context, ...args)
    },
    async *speculate(...args) {
      context.needDecoder('speculate')
      const { speculateTokens } = await import('../decode/speculate.ts')
      yield* context.streamInTurn(() => speculateTokens(context, ...args))
    },
    async fork(...args) {
      context.needDecoder('fork')
      const { forkText } = await import('../decode/branches.ts')
      return context.inTurn(() => forkText(context, ...args))
    },
    async expand(...args) {
      context.needDecoder('expand')
      const { expandText } = await import('../decode/branches.ts')
      return context.inTurn(() => expandText(context, ...args))
    },
  }
}

async function* generate(
  context: EngineContext,
  prompt: Prompt,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken> {
  context.needDecoder('generate')
  const { info, runner, tokenizer, lastRun } = context
  const checked = checkOptions(options, info.eosIds)
  const conditions = context.conditionsOf(options)
  const settled = context.settled(options)
  const ids = await context.promptIds(prompt, options.chat)
  checkIds(ids, info.vocab, info.context)
  const run = {
    runner,
    tokenizer,
    conditions,
    checkHealth: () => context.checkHealth(),
    explainNotFinite: (sequence: readonly number[]) => explainNotFinite(context, sequence, conditions),
  }
  yield* context.streamInTurn(() =>
    generateTokens(run, ids, checked, (record) => lastRun.begin(record, settled)),
  )
}

async function* compare(
  context: EngineContext,
  ...[prompt, options]: Parameters<Model['compare']>
): AsyncGenerator<ComparedToken> {
  context.needDecoder('compare')
  context.adapters.refuseMerged('Comparing')
  const { info, runner, tokenizer } = context
  const checked = checkOptions(options, info.eosIds)
  const a = context.conditionsOf({ adapters: options.a })
  const b = context.conditionsOf({ adapters: options.b, edits: options.edits })
  const ids = await context.promptIds(prompt, options.chat)
  checkIds(ids, info.vocab, info.context)
  const { compareTokens } = await import('../decode/compare.ts')
  const sides = { runner, tokenizer, a, b, checkHealth: () => context.checkHealth() }
  yield* context.streamInTurn(() => compareTokens(sides, ids, checked))
}

/** Names the first step whose output has a NaN or an infinity. */
async function explainNotFinite(
  { runner }: EngineContext,
  ids: readonly number[],
  conditions: Conditions,
): Promise<TokenscopeError> {
  const { steps } = runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
  const probes = steps.filter((step) => isStream(step) || step.rows === 'logits').map(({ name }) => name)
  const { traceSteps } = await import('../inspect/trace.ts')
  const traced = await traceSteps(runner, ids, probes, conditions)
  const first = [...traced].find(([, { data }]) => !data.every(Number.isFinite))
  const name = first?.[0] ?? 'logits'
  return new TokenscopeError(
    'bad-file',
    `The model computed NaN or infinity; the first step where it appears is ${name}.`,
    {
      hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
      details: { step: name },
    },
  )
}
