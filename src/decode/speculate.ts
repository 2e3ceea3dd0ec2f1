import { throwIfAborted, TokenscopeError } from '../errors.ts'
import type { Conditions } from '../run/conditions.ts'
import type { DecodeContext } from './context.ts'
import { Feed } from '../run/feed.ts'
import { MAX_LOGIT_ROWS } from '../run/rows.ts'
import type {
  GeneratedToken,
  DraftModel,
  Model,
  Proposal,
  SpeculatedRound,
  SpeculateOptions,
} from '../api/model.ts'
import {
  acceptDrafts,
  probabilityOf,
  speculationRandom,
  type DraftToken,
  type Filtered,
} from './speculation/acceptance.ts'
import type { DraftProposer } from './speculation/drafter.ts'
import { draftRunner } from './speculation/draftRunner.ts'
import { ModelDrafter } from './speculation/modelDrafter.ts'
import { promptLookup } from './speculation/promptLookup.ts'
import { RowReader, type Prediction } from './speculation/rowReader.ts'
import { ownProbability, TextWriter } from './speculation/textWriter.ts'
import { checkIds, checkOptions, type CheckedOptions } from './options.ts'

const DEFAULT_AHEAD = 4
const MAX_AHEAD = MAX_LOGIT_ROWS - 1
const DEFAULT_LENGTH = 3
const MAX_LENGTH = 16

/** Writes a text round by round; see {@link Model.speculate}. */
export async function* speculateTokens(
  context: DecodeContext,
  ...[prompt, options]: Parameters<Model['speculate']>
): AsyncGenerator<SpeculatedRound> {
  const { info } = context
  const checked = checkOptions(options, info.eosIds)
  const ahead = checkInteger('ahead', options.ahead ?? DEFAULT_AHEAD, 1, MAX_AHEAD)
  checkDraft(options, info.layers)
  const conditions = context.conditionsOf(options)
  const ids = await context.promptIds(prompt, options.chat)
  checkIds(ids, info.vocab, info.context)
  throwIfAborted(checked.signal)
  await context.runner.prepareSelect()
  const drafter = await openDrafter(context, options, { checked, ahead, promptLength: ids.length })
  try {
    const speculation = new SpeculativeRun({ context, drafter, conditions, checked, ahead }, ids)
    try {
      await speculation.prefill()
      yield* speculation.rounds()
    } finally {
      speculation.close()
    }
  } finally {
    drafter.close()
  }
}

function checkInteger(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const allowed = `a whole number from ${min} to ${max}`
  throw new TokenscopeError('bad-argument', `Option ${field} is ${value}; allowed is ${allowed}.`, {
    hint: `Set ${field} to ${allowed}.`,
    details: { field, got: value, expected: allowed },
  })
}

function checkDraft(options: SpeculateOptions, layers: number): void {
  const { draft } = options
  const { repetitionPenalty = 1 } = options as { repetitionPenalty?: number }
  if (repetitionPenalty !== 1) {
    throw new TokenscopeError('bad-argument', 'Speculative decoding takes no repetition penalty.', {
      hint: 'Leave repetitionPenalty out.',
      details: { field: 'repetitionPenalty', got: repetitionPenalty, expected: 1 },
    })
  }
  if (draft.kind === 'prompt-lookup')
    checkInteger('draft.length', draft.length ?? DEFAULT_LENGTH, 1, MAX_LENGTH)
  if (draft.kind !== 'first-layers') return
  if (layers === 1) {
    throw new TokenscopeError(
      'unsupported',
      'This model has one layer: none of its layers can be its draft.',
      {
        hint: 'Choose another draft model.',
      },
    )
  }
  checkInteger('draft.layers', draft.layers, 1, layers - 1)
}

async function openDrafter(
  context: DecodeContext,
  { draft, onProgress }: { draft: DraftModel; onProgress?: SpeculateOptions['onProgress'] },
  { checked, ahead, promptLength }: { checked: CheckedOptions; ahead: number; promptLength: number },
): Promise<DraftProposer> {
  if (draft.kind === 'prompt-lookup') return promptLookup(draft.length ?? DEFAULT_LENGTH)
  const { sampling, signal } = checked
  const request =
    draft.kind === 'q4_0'
      ? { kind: draft.kind, weights: context.conditionsOf({ adapters: [] }).key }
      : { kind: draft.kind, layers: draft.layers }
  const positions = promptLength + checked.maxTokens + ahead
  const runner = await draftRunner(context.runner, request, positions, { onProgress, signal })
  return new ModelDrafter({ runner, sampling, promptLength, signal })
}

interface SpeculationParts {
  context: DecodeContext
  drafter: DraftProposer
  conditions: Conditions
  checked: CheckedOptions
  ahead: number
}

/** One text: the draft model proposes, the model reads the last token and the proposals in one forward. */
class SpeculativeRun {
  private readonly parts: SpeculationParts
  private readonly feed: Feed
  private readonly reader: RowReader
  private readonly writer: TextWriter

  constructor(parts: SpeculationParts, prompt: readonly number[]) {
    const { context, conditions, checked, ahead } = parts
    const { runner, tokenizer } = context
    this.parts = parts
    this.feed = Feed.open(runner, conditions, prompt)
    this.reader = new RowReader({
      runner,
      feed: this.feed,
      sampling: checked.sampling,
      top: checked.topLogprobs,
      widest: ahead + 1,
      name: 'The model',
    })
    this.writer = new TextWriter({ tokenizer, prompt, context: runner.context, options: checked })
  }

  /** Reads the prompt but for its last token, which goes with the first round. */
  async prefill(): Promise<void> {
    const { signal, onPrefill } = this.parts.checked
    const { ids } = this.writer
    const from = this.feed.tokens.length
    onPrefill?.(from, ids.length)
    await this.reader.skip(ids.slice(from, -1), signal, (count) => onPrefill?.(from + count, ids.length))
    onPrefill?.(ids.length, ids.length)
  }

  async *rounds(): AsyncGenerator<SpeculatedRound> {
    for (let index = 0; ; index++) {
      const round = await this.round(index)
      yield round
      if (round.tokens.at(-1)?.finish !== null) return
    }
  }

  private async round(index: number): Promise<SpeculatedRound> {
    const { drafter, ahead, checked, context } = this.parts
    const { writer } = this
    const { ids } = writer
    const reach = Math.min(context.runner.context, ids.length + checked.maxTokens - writer.count)
    await this.feed.renew(ids.length, ids.slice(0, -1), reach, { signal: checked.signal })
    const room = Math.min(
      this.feed.roomBehind(ids.length),
      ahead,
      checked.maxTokens - writer.count - 1,
      context.runner.context - ids.length,
    )
    const started = performance.now()
    const draftTokens = room > 0 ? await drafter.propose(writer.ids, room) : []
    const proposed = performance.now()
    const predictions = await this.reader.read(
      [...writer.ids.slice(-1), ...draftTokens.map(({ id }) => id)],
      draftTokens.length + 1,
    )
    context.checkHealth()
    const acceptance = this.check(draftTokens, predictions)
    const ended = performance.now()
    const texts = writer.spell(draftTokens.map(({ id }) => id))
    const tokens = this.write(acceptance, draftTokens, predictions)
    return {
      index,
      proposals: draftTokens.map((draftToken, i) =>
        proposal(draftToken, texts[i] ?? '', acceptance, i, tokens.length),
      ),
      tokens,
      draftMs: proposed - started,
      modelMs: ended - proposed,
    }
  }

  private check(draftTokens: readonly DraftToken[], predictions: readonly Prediction[]): RoundAcceptance {
    const { temperature, seed } = this.parts.checked.sampling
    const greedy = temperature === 0
    const base = this.writer.count
    const tests: AcceptanceTest[] = []
    const at = (row: number): Filtered => this.reader.distribution(predictions[row]!)
    const numbers = {
      accept: (ahead: number) => (greedy ? 0 : speculationRandom(seed, base + ahead, 'accept')),
      draw: (ahead: number) => (greedy ? 0 : speculationRandom(seed, base + ahead, 'draw')),
    }
    const { accepted, token } = acceptDrafts(
      draftTokens,
      (row) => {
        const model = at(row)
        const draftToken = draftTokens[row]
        if (draftToken) {
          tests.push({
            probability: greedy ? ownProbability(predictions[row]!) : probabilityOf(model, draftToken.id),
            random: greedy ? null : numbers.accept(row),
          })
        }
        return model
      },
      numbers,
    )
    return { accepted, token, tests, random: greedy ? null : numbers.draw(accepted) }
  }

  /** Makes the accepted proposals and the model's own token text, as far as the text goes on, and drops the rows of the others. */
  private write(
    { accepted, token, random }: RoundAcceptance,
    draftTokens: readonly DraftToken[],
    predictions: readonly Prediction[],
  ): GeneratedToken[] {
    const tokens: GeneratedToken[] = []
    for (let i = 0; i <= accepted; i++) {
      const fromTarget = i === accepted
      tokens.push(
        this.writer.write(
          fromTarget ? token : draftTokens[i]!.id,
          predictions[i]!,
          fromTarget ? random : null,
        ),
      )
      if (tokens[i]?.finish !== null) break
    }
    // The model's own token is not read yet; accepted ones are.
    const unread = tokens.length > accepted ? 1 : 0
    this.reader.truncate(this.writer.ids.length - unread)
    return tokens
  }

  close(): void {
    this.reader.dispose()
    this.feed.park()
  }
}

/** The test of one proposal that was read. */
interface AcceptanceTest {
  probability: number
  random: number | null
}

interface RoundAcceptance {
  accepted: number
  /** The model's own token, and the number it was drawn by. */
  token: number
  random: number | null
  tests: readonly AcceptanceTest[]
}

/** What became of draft token `i`. A text may end before the last accepted one: those behind its end count as unread. */
function proposal(
  { id, probability }: DraftToken,
  text: string,
  { accepted, tests }: RoundAcceptance,
  i: number,
  written: number,
): Proposal {
  const outcome = i >= written ? 'unread' : i < accepted ? 'accepted' : i === accepted ? 'rejected' : 'unread'
  const test = outcome === 'unread' ? undefined : tests[i]
  return {
    id,
    text,
    draftProbability: probability,
    modelProbability: test?.probability ?? null,
    random: test?.random ?? null,
    outcome,
  }
}
