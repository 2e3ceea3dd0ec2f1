import { expect, test, vi } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { parseSavedText } from '../../src/state/storage.ts'
import { speeds, TokenLog } from '../../src/state/tokenLog.ts'
import type { GeneratedToken } from '../../src/api/model.ts'

const START = { modelId: 'm', promptIds: [5, 6], settings: DEFAULT_SETTINGS, bosId: 0, endIds: [0], at: 100 }

function token(id: number, text: string): GeneratedToken {
  return { index: 0, position: 2, id, text, logprob: -1, top: [], random: null, finish: null }
}

/** A log whose frames are drawn by hand. */
function manualLog() {
  let frame: (() => void) | null = null
  const log = new TokenLog((run) => (frame = run))
  return { log, draw: () => frame?.() }
}

test('many tokens of a frame bump the version once', () => {
  const { log, draw } = manualLog()
  log.begin(START)
  const listener = vi.fn()
  log.subscribe(listener)
  for (let id = 0; id < 500; id++) log.append(token(id + 1, 'x'), 200 + id)
  expect(listener).not.toHaveBeenCalled()
  draw()
  expect(listener).toHaveBeenCalledTimes(1)
  log.flush()
  draw()
  expect(listener).toHaveBeenCalledTimes(2)
})

test('indices count through continued runs, and the new run starts behind the old text', () => {
  const { log } = manualLog()
  log.begin(START)
  log.append(token(7, 'a'), 110)
  log.append(token(8, 'b'), 120)
  const { epoch } = log
  log.resume({ settings: DEFAULT_SETTINGS, at: 300 })
  log.append(token(9, 'c'), 310)
  expect(log.tokens.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(log.runStart).toBe(2)
  expect(log.epoch).toBe(epoch)
  expect(log.idsBefore(2)).toEqual([5, 6, 7, 8])
})

test('speeds are those of the last run: rows up to the first token, then token by token', () => {
  const { log } = manualLog()
  expect(speeds(log.timing)).toEqual({ prefill: null, decode: null })
  log.begin(START)
  log.prefill(40, 100)
  log.prefill(72, 100)
  log.prefill(100, 100)
  for (const at of [700, 800, 900]) log.append(token(1, 'x'), at)
  // 60 rows, as 40 were reused, in 600 ms; two further tokens in 200 ms.
  expect(speeds(log.timing)).toEqual({ prefill: 100, decode: 10 })
})

test('a snapshot restores the text, whose logits the engine no longer holds', () => {
  const { log } = manualLog()
  log.begin(START)
  log.append(token(3, ''), 110)
  log.append(token(4, '가'), 120)
  const saved = parseSavedText(JSON.parse(JSON.stringify({ prompt: 'p', modelId: 'm', log: log.snapshot() })))
  const other = manualLog().log
  other.restore(saved!.log)
  expect(other.tokens).toEqual(log.tokens)
  expect(other.groups).toEqual([0])
  expect(other.runStart).toBe(2)
  expect(other.isEnd(0)).toBe(true)
})

test('a saved text of another shape is dropped', () => {
  for (const saved of [null, 'x', {}, { prompt: 'p' }, { prompt: 'p', log: { tokens: [{}] } }]) {
    expect(parseSavedText(saved)).toBeNull()
  }
})
