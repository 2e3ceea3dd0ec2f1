import type { AppState } from './app.ts'
import type { Session } from './session.ts'

type Selection = Pick<AppState, 'pinned' | 'promptRow'>

/** Index of the chosen token among `rows` of a text with a prompt of `prompt`: a generated one, one of the prompt, else the last. */
export function rowOf({ pinned, promptRow }: Selection, prompt: number, rows: number): number {
  const chosen = promptRow !== null && promptRow < prompt ? promptRow : rows - 1
  return Math.min(rows - 1, Math.max(0, pinned === null ? chosen : prompt + pinned))
}

/**
 * Index of the token chosen on the page, among `rows` of its text. While none is chosen, that of the last word: what a model would
 * predict behind the token that ended its text says nothing.
 */
export function selectedRow({ app, log }: Session, rows: number): number {
  const state = app.getState()
  const prompt = log.promptIds.length
  const last = log.tokens[rows - 1 - prompt]
  const isChosen = state.pinned !== null || state.promptRow !== null
  const ended = !isChosen && last !== undefined && log.isEnd(last.id) && rows > 1
  return rowOf(state, prompt, ended ? rows - 1 : rows)
}

/** Chooses the token of a row, on every view. */
export function selectRow({ app, log }: Session, row: number): void {
  const prompt = log.promptIds.length
  const inPrompt = row < prompt
  app.setState({
    promptRow: inPrompt ? row : null,
    pinned: inPrompt ? null : row - prompt,
    hovered: null,
    hoveredPrompt: null,
  })
}

export function sameSelection(a: Selection, b: Selection): boolean {
  return a.pinned === b.pinned && a.promptRow === b.promptRow
}
