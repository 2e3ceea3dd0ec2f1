import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parsePlace, Course } from '../../src/ui/views/learn/course.ts'
import { forTab, parseSavedPage, savePage } from '../../src/ui/views/learn/savedPage.ts'
import { isFact } from '../../src/ui/views/learn/facts.ts'
import { LESSONS } from '../../src/ui/views/learn/lessons/index.ts'
import { chosenStep } from '../../src/ui/views/learn/types.ts'
import { anatomyOfSteps } from '../../src/analysis/anatomy.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { historyOf } from '../../src/state/history.ts'
import { selectedRow } from '../../src/state/selection.ts'
import { Session } from '../../src/state/session.ts'
import { labelTokenParts, labelRows } from '../../src/state/tokenLabels.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { lessonsEn } from '../../src/ui/views/learn/words/lessons.en.ts'
import { lessonsKo } from '../../src/ui/views/learn/words/lessons.ko.ts'
import { VIEWS } from '../../src/ui/views/index.ts'
import { createFakeClient } from './fakeClient.ts'
import { recordedSteps } from './recordedSteps.ts'

const steps = LESSONS.flatMap((lesson) => lesson.steps.map((step) => ({ lesson: lesson.name, ...step })))
const slotsOf = (words: string): string[] => [...words.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** Everything the page is drawn by. */
const ui = new URL('../../src/ui/', import.meta.url)
const source = readdirSync(ui, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.tsx'))
  .map((name) => readFileSync(new URL(name, ui), 'utf8'))
  .join('\n')

/** A test id of the page, written out or begun by a template. */
function isTestId(id: string): boolean {
  if (new RegExp(`(data-testid|testId)="${id}"`).test(source)) return true
  const templates = [...source.matchAll(/(?:data-testid|testId)=\{`([\w-]+)\$/g)]
  return templates.some(([, start = '']) => id.startsWith(start))
}

describe('words', () => {
  test('both languages say the same keys with the same numbers in them', () => {
    expect(Object.keys(lessonsKo).toSorted()).toEqual(Object.keys(lessonsEn).toSorted())
    for (const [key, words] of Object.entries(lessonsEn)) {
      const korean = lessonsKo[key as keyof typeof lessonsEn]
      expect(new Set(slotsOf(korean)), key).toEqual(new Set(slotsOf(words)))
      expect(korean, key).toMatch(/[가-힣]/)
    }
  })

  test('every number in a lesson is a fact of the page', () => {
    for (const { words, task } of steps) {
      const all = [words, ...(task === undefined ? [] : [task.words])].map((key) => lessonsEn[key])
      for (const sentence of all) {
        expect(slotsOf(sentence).filter((name) => !isFact(name))).toEqual([])
      }
    }
  })

  test('no word is left without a place', () => {
    const used = new Set([
      ...LESSONS.flatMap(({ title, about }) => [title, about]),
      ...steps.flatMap(({ words, task }) => [words, ...(task === undefined ? [] : [task.words])]),
    ])
    const keys = Object.keys(lessonsEn).filter((key) => !/^(learn|panel)\./.test(key))
    expect(keys.filter((key) => !used.has(key as keyof typeof lessonsEn))).toEqual([])
  })
})

describe('steps', () => {
  test.each(steps)('$words leads to a view and an element that exist', ({ place, target }) => {
    expect(VIEWS.some(({ name }) => name === place.view)).toBe(true)
    const view = VIEWS.find(({ name }) => name === place.view)
    if (place.region !== undefined) expect(view?.[place.region]).not.toBeNull()
    const ids = [...target.matchAll(/data-testid="([^"]+)"/g)].map(([, id = '']) => id)
    const classes = [...target.matchAll(/\.([a-z][\w-]*)(?![^[]*\])/g)].map(([, name = '']) => name)
    expect(ids.length + classes.length).toBeGreaterThan(0)
    expect(ids.filter((id) => !isTestId(id))).toEqual([])
    expect(classes.filter((name) => !new RegExp(`className=["{\`][^>]*\\b${name}\\b`).test(source))).toEqual(
      [],
    )
    const named = /data-step="([^"]+)"/.exec(target)?.[1]
    if (target.includes('{step}')) expect(place.step).toBeDefined()
    expect([undefined, '{step}']).toContain(named)
  })

  test.each(['llama', 'gpt2', 'qwen3', 'gemma2', 'gemma3'])(
    'of every lesson are found in %s',
    async (fixture) => {
      const anatomy = anatomyOfSteps(await recordedSteps(fixture))
      for (const { words, place } of steps)
        if (place.step !== undefined) expect(chosenStep(anatomy, place.step), words).toBeDefined()
    },
  )

  test('lessons are named once, and their places are read back', () => {
    expect(new Set(LESSONS.map(({ name }) => name)).size).toBe(LESSONS.length)
    expect(parsePlace('sampling.3')).toMatchObject({ lesson: { name: 'sampling' }, index: 2 })
    expect([parsePlace('sampling.99'), parsePlace('sampling.x'), parsePlace('nothing.1')]).toEqual([
      null,
      null,
      null,
    ])
  })
})

test('while no token is chosen it is the last word, not the token that ended the text', () => {
  const { app, log } = page()
  log.begin({ modelId: 'm', promptIds: [5], settings: DEFAULT_SETTINGS, bosId: 0, endIds: [0], at: 0 })
  const token = { logprob: -1, top: [], random: null, finish: null, position: 1 }
  log.append({ ...token, index: 0, id: 7, text: ' fox' }, 1)
  const session = { app, log } as unknown as Session
  expect(selectedRow(session, 2)).toBe(1)
  log.append({ ...token, index: 1, id: 0, text: '' }, 2)
  expect(selectedRow(session, 3)).toBe(1)
  expect(labelRows(log, 3, { begin: 'BOS', end: 'end' })[2]).toBe('end')
  app.setState({ pinned: 1 })
  expect(selectedRow(session, 3)).toBe(2)
})

const page = () => {
  const app = createAppStore(DEFAULT_PREFERENCES)
  const log = new TokenLog((run) => run())
  return new Session({ client: createFakeClient(), app, log, now: () => 0 })
}

test('a lesson goes step by step to its end, and gives back the layout of before', () => {
  const session = page()
  const { app } = session
  const course = new Course(session)
  const { layout } = app.getState()
  course.start('sampling')
  expect(app.getState()).toMatchObject({ lesson: 'sampling.1', view: 'sampling' })
  course.move(1)
  course.move(-1)
  course.move(-1)
  expect(app.getState().lesson).toBe('sampling.1')
  for (const _ of parsePlace('sampling.1')?.lesson.steps ?? []) course.move(1)
  expect(app.getState()).toMatchObject({ lesson: null, view: 'learn', layout })
  expect(course.state.getState()).toMatchObject({ finished: ['sampling'], reached: { sampling: 0 } })
})

test('a lesson gives back a prompt without a text, the settings and what could be undone', async () => {
  const session = page()
  const { app } = session
  const history = historyOf(session)
  app.setState({ prompt: 'mine' })
  const course = new Course(session)
  const settings = { ...DEFAULT_SETTINGS, seed: 7 }
  app.setState({ settings })
  course.start('logits')
  expect(history.state.getState()).toEqual({ undo: null, redo: null })
  app.setState({ prompt: 'the lesson’s', settings: { ...settings, maxTokens: 16 } })
  expect(history.state.getState().undo).not.toBeNull()
  course.leave()
  expect(app.getState()).toMatchObject({ prompt: 'mine', settings })
  expect(history.state.getState()).toEqual({ undo: 'setting.seed', redo: null })
  await history.undo()
  expect(app.getState().settings.seed).toBe(DEFAULT_SETTINGS.seed)
})

test('a page of before a lesson is read back; what is none is not', () => {
  const session = page()
  session.app.setState({ prompt: 'mine', pinned: 3 })
  const saved = savePage(session)
  expect(parseSavedPage(JSON.parse(JSON.stringify(forTab(saved))))).toEqual(saved)
  expect([null, 'x', { prompt: 3 }].map(parseSavedPage)).toEqual([null, null, null])
  expect(parseSavedPage({ prompt: 'p', settings: { seed: 'x' }, log: { tokens: 1 } })).toMatchObject({
    prompt: 'p',
    settings: DEFAULT_SETTINGS,
    log: null,
  })
})

test('where a lesson was left it goes on', () => {
  const session = page()
  const course = new Course(session)
  course.goTo('logits.3')
  course.leave()
  expect(session.app.getState().lesson).toBeNull()
  course.start('logits')
  expect(session.app.getState().lesson).toBe('logits.3')
})

describe('parts of a character', () => {
  const isTextless = (id: number): boolean => id === 0
  const token = (id: number, text: string) => ({ id, text })

  test('are named by it and numbered', () => {
    const tokens = [token(0, ''), token(9, ''), token(8, ''), token(7, '강'), token(6, '아지')]
    expect(labelTokenParts(tokens, isTextless)).toEqual(['', '강¹⁄₃', '강²⁄₃', '강³⁄₃', '아지'])
  })

  test('of one that is not whole yet have no name', () => {
    expect(labelTokenParts([token(6, '개'), token(9, ''), token(8, '')], isTextless)).toEqual(['개', '', ''])
  })

  test('of a text stay unnamed until its prompt is spelled', () => {
    const log = new TokenLog((run) => run())
    log.begin({
      modelId: 'm',
      promptIds: [0, 9, 7],
      settings: DEFAULT_SETTINGS,
      bosId: 0,
      endIds: [0],
      at: 0,
    })
    expect(labelRows(log, 3)).toEqual(['', '', ''])
    log.setPromptTexts(['', '', '뷁'])
    expect(labelRows(log, 3)).toEqual(['', '뷁¹⁄₂', '뷁²⁄₂'])
    expect(labelRows(log, 3, { begin: 'BOS', end: 'end' })).toEqual(['BOS', '뷁¹⁄₂', '뷁²⁄₂'])
  })
})
