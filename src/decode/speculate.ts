import { throwIfAborted, TokenscopeError } from '../errors.ts'
import type { Conditions } from '../run/conditions.ts'
import type { DecodeContext } from './context.ts'
import { Feed } from '../run/feed.ts'
import { MAX_LOGIT_ROWS } from '../run/rows.ts'
import type {
  GeneratedToken,
  Guide,
  Model,
  Proposal,
  SpeculatedRound,
  SpeculateOptions,
} from '../api/model.ts'
import {
  judge,
  probabilityOf,
  speculationRandom,
  type Draft,
  type Filtered,
} from './speculation/acceptance.ts'
import type { Drafter } from './speculation/guide.ts'
import { guideRunner } from './speculation/guideRunner.ts'
import { ModelGuide } from './speculation/modelGuide.ts'
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
  const ahead = whole('ahead', options.ahead ?? DEFAULT_AHEAD, 1, MAX_AHEAD)
  checkGuide(options, info.layers)
  const conditions = context.conditionsOf(options)
  const ids = await context.promptIds(prompt, options.chat)
  checkIds(ids, info.vocab, info.context)
  throwIfAborted(checked.signal)
  await context.runner.prepareSelect()
  const guide = await openGuide(context, options, { checked, ahead, promptLength: ids.length })
  try {
    const speculation = new Speculation({ context, guide, conditions, checked, ahead }, ids)
    try {
      await speculation.prefill()
      yield* speculation.rounds()
    } finally {
      speculation.close()
    }
  } finally {
    guide.close()
  }
}

function whole(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const allowed = `a whole number from ${min} to ${max}`
  throw new TokenscopeError('bad-argument', `Option ${field} is ${value}; allowed is ${allowed}.`, {
    hint: `Set ${field} to ${allowed}.`,
    details: { field, got: value, expected: allowed },
  })
}

function checkGuide(options: SpeculateOptions, layers: number): void {
  const { guide } = options
  const { repetitionPenalty = 1 } = options as { repetitionPenalty?: number }
  if (repetitionPenalty !== 1) {
    throw new TokenscopeError('bad-argument', 'Speculative decoding takes no repetition penalty.', {
      hint: 'Leave repetitionPenalty out.',
      details: { field: 'repetitionPenalty', got: repetitionPenalty, expected: 1 },
    })
  }
  if (guide.kind === 'prompt-lookup') whole('guide.length', guide.length ?? DEFAULT_LENGTH, 1, MAX_LENGTH)
  if (guide.kind !== 'first-layers') return
  if (layers === 1) {
    throw new TokenscopeError('unsupported', 'This model has one layer: none of its layers can guide it.', {
      hint: 'Choose another guide.',
    })
  }
  whole('guide.layers', guide.layers, 1, layers - 1)
}

async function openGuide(
  context: DecodeContext,
  { guide, onProgress }: { guide: Guide; onProgress?: SpeculateOptions['onProgress'] },
  { checked, ahead, promptLength }: { checked: CheckedOptions; ahead: number; promptLength: number },
): Promise<Drafter> {
  if (guide.kind === 'prompt-lookup') return promptLookup(guide.length ?? DEFAULT_LENGTH)
  const { sampling, signal } = checked
  const request =
    guide.kind === 'q4_0'
      ? { kind: guide.kind, weights: context.conditionsOf({ adapters: [] }).key }
      : { kind: guide.kind, layers: guide.layers }
  const positions = promptLength + checked.maxTokens + ahead
  const runner = await guideRunner(context.runner, request, positions, { onProgress, signal })
  return new ModelGuide({ runner, sampling, promptLength, signal })
}

interface SpeculationParts {
  context: DecodeContext
  guide: Drafter
  conditions: Conditions
  checked: CheckedOptions
  ahead: number
}

/** One text: the guide proposes, the model reads the last token and the proposals in one forward. */
class Speculation {
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
    const { guide, ahead, checked, context } = this.parts
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
    const drafts = room > 0 ? await guide.propose(writer.ids, room) : []
    const proposed = performance.now()
    const predictions = await this.reader.read(
      [...writer.ids.slice(-1), ...drafts.map(({ id }) => id)],
      drafts.length + 1,
    )
    context.checkHealth()
    const judged = this.judge(drafts, predictions)
    const ended = performance.now()
    const texts = writer.spell(drafts.map(({ id }) => id))
    const tokens = this.write(judged, drafts, predictions)
    return {
      index,
      proposals: drafts.map((draft, i) => proposal(draft, texts[i] ?? '', judged, i, tokens.length)),
      tokens,
      guideMs: proposed - started,
      modelMs: ended - proposed,
    }
  }

  private judge(drafts: readonly Draft[], predictions: readonly Prediction[]): Judged {
    const { temperature, seed } = this.parts.checked.sampling
    const greedy = temperature === 0
    const base = this.writer.count
    const tests: Test[] = []
    const at = (row: number): Filtered => this.reader.distribution(predictions[row]!)
    const numbers = {
      accept: (ahead: number) => (greedy ? 0 : speculationRandom(seed, base + ahead, 'accept')),
      draw: (ahead: number) => (greedy ? 0 : speculationRandom(seed, base + ahead, 'draw')),
    }
    const { accepted, token } = judge(
      drafts,
      (row) => {
        const model = at(row)
        const draft = drafts[row]
        if (draft) {
          tests.push({
            probability: greedy ? ownProbability(predictions[row]!) : probabilityOf(model, draft.id),
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
    { accepted, token, random }: Judged,
    drafts: readonly Draft[],
    predictions: readonly Prediction[],
  ): GeneratedToken[] {
    const tokens: GeneratedToken[] = []
    for (let i = 0; i <= accepted; i++) {
      const own = i === accepted
      tokens.push(this.writer.write(own ? token : drafts[i]!.id, predictions[i]!, own ? random : null))
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
interface Test {
  probability: number
  random: number | null
}

interface Judged {
  accepted: number
  /** The model's own token, and the number it was drawn by. */
  token: number
  random: number | null
  tests: readonly Test[]
}

/** What became of draft `i`. A text may end before the last accepted one: those behind its end count as unread. */
function proposal(
  { id, probability }: Draft,
  text: string,
  { accepted, tests }: Judged,
  i: number,
  written: number,
): Proposal {
  const verdict = i >= written ? 'unread' : i < accepted ? 'accepted' : i === accepted ? 'rejected' : 'unread'
  const test = verdict === 'unread' ? undefined : tests[i]
  return {
    id,
    text,
    guideProbability: probability,
    modelProbability: test?.probability ?? null,
    random: test?.random ?? null,
    verdict,
  }
}
