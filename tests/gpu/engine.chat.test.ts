import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatMessage, ChatOptions } from '../../src/api/model.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { readJson, SHARED } from '../text/shared.ts'
import { scriptedModel } from './engine.scripted.ts'
import { collect, loadEngine, refusal } from './engine.support.ts'

const TEMPLATE =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}" +
  "{% if tools %}T{{ tools | length }}{% endif %}{% if thinking %}{{ '<think>' }}{% endif %}" +
  "{% if date %}{{ strftime_now('%Y') }}{% endif %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

/** Rows that may be under way when the end token is seen. */
const AHEAD = 2

const HI: ChatMessage = { role: 'user', content: 'hi' }
const USER = '<|im_start|>user\nhi<|im_end|>'
const ASSISTANT = '<|im_start|>assistant\n'

describe('a model with a template', () => {
  let model: Engine
  beforeAll(async () => {
    model = await loadEngine(scriptedModel('Well, hello.', { chatTemplate: TEMPLATE }).files)
  })
  afterAll(() => model.dispose())

  const cases: [what: string, options: ChatOptions, messages: ChatMessage[], text: string][] = [
    ['ends where the assistant speaks', {}, [HI], USER + ASSISTANT],
    ['may end behind the messages', { addGenerationPrompt: false }, [HI], USER],
    [
      'may end within the last message',
      { continueFinalMessage: true },
      [HI, { role: 'assistant', content: 'We' }],
      `${USER}${ASSISTANT}We`,
    ],
    ['takes tools', { tools: [{ name: 'f' }, { name: 'g' }] }, [HI], `${USER}T2${ASSISTANT}`],
    ['takes variables', { kwargs: { thinking: true } }, [HI], `${USER}<think>${ASSISTANT}`],
    ['takes a date', { kwargs: { date: 1 }, now: new Date(2031, 1, 1) }, [HI], `${USER}2031${ASSISTANT}`],
    ['takes another template', { template: '{{ bos_token }}{{ messages[0].content }}' }, [HI], '<|begin|>hi'],
  ]
  test.each(cases)('%s', async (_, chat, messages, text) => {
    expect(await model.applyChatTemplate(messages, chat)).toBe(text)
    const ids = await model.encode(text, { addSpecialTokens: false, parseSpecial: true })
    const answer = await collect(model, messages, { temperature: 0, maxTokens: 2, chat })
    expect(answer.tokens[0]?.position).toBe(ids.length)
  })

  test("an assistant's words at the end are gone on with", async () => {
    const messages: ChatMessage[] = [HI, { role: 'assistant', content: 'We' }]
    const position = async (chat: ChatOptions): Promise<number> =>
      (await collect(model, messages, { temperature: 0, maxTokens: 1, chat })).tokens[0]!.position
    const ids = await model.encode(`${USER}${ASSISTANT}We`, { addSpecialTokens: false, parseSpecial: true })
    expect(await position({})).toBe(ids.length)
    expect(await position({ continueFinalMessage: false })).toBeGreaterThan(ids.length)
    expect(await position({ addGenerationPrompt: true })).toBeGreaterThan(ids.length)
  })

  test('says what its template reads', async () => {
    const reported = await model.chatTemplate()
    expect(reported).toMatchObject({ names: ['default'], source: TEMPLATE, problem: null })
    expect(reported.specialTokens).toEqual({ bos_token: '<|begin|>', eos_token: '<|end|>' })
    expect(reported.reads?.variables.map(({ name }) => name)).toEqual([
      'messages',
      'tools',
      'thinking',
      'date',
      'add_generation_prompt',
    ])
    expect(reported.reads?.readsClock).toBe(true)
  })
})

test('a template that fails is named with its line; another one given for it works', async () => {
  const model = await loadEngine(scriptedModel('Fine.', { chatTemplate: 'a\n{% for %}' }).files)
  const reported = await model.chatTemplate()
  expect(reported.problem).toContain('line 2')
  const error = await refusal(model.applyChatTemplate([HI]), 'unsupported')
  expect(error.message).toContain('line 2')
  const chat = { template: '{{ messages[0].content }}:' }
  expect((await collect(model, [HI], { temperature: 0, chat })).text).toBe('Fine.')
  await model.dispose()
})

interface Golden {
  prompts: { messages?: ChatMessage[]; text: string; ids: number[]; greedy: number[]; margin: number[] }[]
}

const SMOLLM = join(SHARED, 'models/smollm2-135m-instruct')
const WITHOUT_SMOLLM = existsSync(SMOLLM) ? '' : 'skipped: needs shared data'
/** Below this lead of the best token other kernels may choose the second. */
const MARGIN = 0.02

/** Three turns, each computing only what the turns before have not. */
async function expectTurnsShared(model: Engine): Promise<void> {
  const chat: ChatMessage[] = []
  let before: number[] = []
  for (const content of ['Say hi.', 'Again.', 'And once more.']) {
    chat.push({ role: 'user', content })
    const text = await model.applyChatTemplate(chat)
    const ids = await model.encode(text, { addSpecialTokens: false, parseSpecial: true })
    // The last token of a text is read again for what comes behind it.
    const kept = Math.max(0, before.length - 1)
    expect(ids.slice(0, kept)).toEqual(before.slice(0, kept))
    const { rows } = await model.counters()
    const answer = await collect(model, chat, { temperature: 0, maxTokens: 6 })
    const computed = (await model.counters()).rows - rows
    expect(computed).toBeLessThanOrEqual(ids.length - kept + answer.ids.length + AHEAD)
    before = [...ids, ...answer.ids]
    chat.push({ role: 'assistant', content: answer.text })
  }
}

test.skipIf(WITHOUT_SMOLLM)(
  `SmolLM2-135M-Instruct answers as Transformers has it ${WITHOUT_SMOLLM}`,
  async () => {
    const file = 'SmolLM2-135M-Instruct.Q4_1.gguf'
    const model = await loadEngine(new Map([[file, readFileSync(join(SMOLLM, file))]]), {
      contextLength: 256,
    })
    const { prompts } = readJson<Golden>(SMOLLM, 'expected.json')
    for (const { messages, text, ids } of prompts) {
      if (messages === undefined) continue
      expect(await model.applyChatTemplate(messages)).toBe(text)
      expect(await model.encode(text, { addSpecialTokens: false, parseSpecial: true })).toEqual(ids)
    }
    const [{ messages, greedy, margin }] = prompts as [Golden['prompts'][0]]
    const unsure = margin.findIndex((lead) => lead < MARGIN)
    const sure = greedy.slice(0, unsure < 0 ? greedy.length : unsure)
    const answer = await collect(model, messages!, { temperature: 0, maxTokens: sure.length })
    expect(answer.ids).toEqual(sure)
    await expectTurnsShared(model)
    await model.dispose()
  },
)
