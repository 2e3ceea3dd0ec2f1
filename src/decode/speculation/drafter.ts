import type { DraftToken } from './acceptance.ts'

/** Proposes tokens ahead of the model, in step with the text. */
export interface DraftProposer {
  /** At most `count` (at least 1) tokens that may follow `text`; none where it has no idea. */
  propose(text: readonly number[], count: number): Promise<readonly DraftToken[]>
  close(): void
}
