import { BASE_CONDITIONS } from '../../run/conditions.ts'
import { MATVEC_ROWS } from '../../ops/linear.ts'
import { Feed } from '../../run/feed.ts'
import type { Runner } from '../../run/runner.ts'
import type { SamplingOptions } from '../../api/model.ts'
import { certain, drawFrom, probabilityOf, speculationRandom, type DraftToken } from './acceptance.ts'
import type { DraftProposer } from './drafter.ts'
import { RowReader } from './rowReader.ts'

interface ModelDrafterOptions {
  runner: Runner
  sampling: SamplingOptions
  /** Tokens of the prompt: draws are counted from its end. */
  promptLength: number
  signal: AbortSignal | undefined
}

/** Proposes what a smaller model would write. It runs without adapters and edits, and reads its own copy of the text. */
export class ModelDrafter implements DraftProposer {
  private readonly options: ModelDrafterOptions
  private readonly reader: RowReader
  private readonly end: () => void

  constructor(options: ModelDrafterOptions) {
    this.options = options
    const { runner, sampling } = options
    const feed = Feed.open(runner, BASE_CONDITIONS, [])
    this.reader = new RowReader({
      runner,
      feed,
      sampling,
      top: 1,
      widest: 1,
      name: 'The draft model',
    })
    this.end = () => {
      this.reader.dispose()
      feed.drop()
    }
  }

  async propose(text: readonly number[], count: number): Promise<readonly DraftToken[]> {
    const missing = await this.catchUp(text)
    if (this.options.sampling.temperature === 0) {
      const records = await this.reader.readGreedily(missing, count)
      return records.map(({ token, logits, logSumExp }) => ({
        id: token,
        probability: Math.exp((logits[0] ?? NaN) - logSumExp),
        distribution: certain(token),
      }))
    }
    return this.draw(text.length - this.options.promptLength, missing, count)
  }

  /** Forgets what did not become text, reads what did, and gives back the last tokens: those to propose behind. */
  private async catchUp(text: readonly number[]): Promise<readonly number[]> {
    const { reader } = this
    const last = text.length - 1
    let same = 0
    while (same < last && reader.tokens[same] === text[same]) same += 1
    reader.truncate(same)
    // Where windows have passed it, less is left than is the same.
    same = reader.tokens.length
    if (text.length - same <= MATVEC_ROWS) return text.slice(same)
    await reader.skip(text.slice(same, last), this.options.signal)
    return text.slice(last)
  }

  /** One forward a token: each is drawn on the host, from the very distribution that the test compares. */
  private async draw(index: number, missing: readonly number[], count: number): Promise<DraftToken[]> {
    const draftTokens: DraftToken[] = []
    let fed = missing
    while (draftTokens.length < count) {
      const [prediction] = await this.reader.read(fed, 1)
      const distribution = this.reader.distribution(prediction!)
      const random = speculationRandom(this.options.sampling.seed, index + draftTokens.length, 'draft')
      const id = drawFrom(distribution, random)
      draftTokens.push({ id, probability: probabilityOf(distribution, id), distribution })
      fed = [id]
    }
    return draftTokens
  }

  close(): void {
    this.end()
  }
}
