import { expect, test, vi } from 'vitest'
import type { ChatMessage, ChatOptions, ChatTemplateInfo, Model } from '../../src/api/model.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { chatOf, type Chat } from '../../src/ui/views/chat/store.ts'
import { readChat } from '../../src/ui/views/chat/memory.ts'
import { writeChat } from '../../src/ui/views/chat/exportChat.ts'
import { contentText, pathOf, siblings } from '../../src/ui/views/chat/turns.ts'
import { historyOf } from '../../src/state/history.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { createFakeClient } from './fakeClient.ts'

const TEMPLATE: ChatTemplateInfo = {
  names: ['default'],
  source: '…',
  specialTokens: {},
  reads: { variables: [{ name: 'messages', values: [] }], roles: [], fields: [], readsClock: false },
  problem: null,
}

/** Messages as `role>content` lines, the last open where it is gone on with. */
function render(messages: readonly ChatMessage[], { continueFinalMessage }: ChatOptions = {}): string {
  const lines = messages.map((message) => `${message.role}>${contentText(message)}`)
  return continueFinalMessage === true ? lines.join('\n') : [...lines, 'assistant>'].join('\n')
}

async function open(template: Partial<ChatTemplateInfo> = {}) {
  const client = createFakeClient({ pace: 0, loadTime: 1 })
  const load = client.loadModel.bind(client)
  const given: (ChatOptions | undefined)[] = []
  client.loadModel = async (...args) => {
    const model = await load(...args)
    const chats: Pick<Model, 'applyChatTemplate' | 'chatTemplate'> = {
      applyChatTemplate: (messages, options) => {
        given.push(options)
        return Promise.resolve(render(messages, options))
      },
      chatTemplate: () => Promise.resolve({ ...TEMPLATE, ...template }),
    }
    return Object.assign(model, chats)
  }
  const settings = { ...DEFAULT_SETTINGS, maxTokens: 4 }
  const app = createAppStore(DEFAULT_PREFERENCES, { settings })
  const log = new TokenLog((run) => void setTimeout(run, 0))
  const session = new Session({ client, app, log, now: () => performance.now() })
  await session.load('model', { label: 'Model', id: 'model' })
  const chat = chatOf(session)
  await expect.poll(() => chat.state.getState().template).not.toBeNull()
  return { app, log, session, chat, given }
}

const path = (chat: Chat) => pathOf(chat.state.getState().tree)
const said = (chat: Chat): string[] => path(chat).map((turn) => `${turn.message.role}: ${chat.textOf(turn)}`)
const last = (chat: Chat) => path(chat).at(-1)!

async function say(chat: Chat, text: string, role = 'user'): Promise<void> {
  chat.setDraft({ text, role })
  await chat.send()
}

test('an answer is the page’s text; a turn of before comes back to the page with its tokens', async () => {
  const { chat, log, app } = await open()
  await say(chat, 'One.')
  const [, first] = path(chat)
  expect(log.tokens.map(({ id }) => id)).toEqual(chat.tokensOf(first!).map(({ id }) => id))
  expect(first!.answer?.prompt).toBe('user>One.\nassistant>')
  await say(chat, 'Two.')
  expect(path(chat).map((turn) => turn.message.role)).toEqual(['user', 'assistant', 'user', 'assistant'])
  expect(last(chat).answer?.prompt).toContain(`assistant>${chat.textOf(first!)}\nuser>Two.`)
  expect(chat.isOnPage(first!.id)).toBe(false)
  chat.show(first!.id, 2)
  expect(chat.isOnPage(first!.id)).toBe(true)
  expect(app.getState().pinned).toBe(2)
  expect(log.tokens.map(({ id }) => id)).toEqual(first!.answer?.text.tokens.map(({ id }) => id))
})

test('answered again beside the old answer, with the next seed', async () => {
  const { chat, app } = await open()
  await say(chat, 'One.')
  const before = last(chat)
  await chat.regenerate(before.id)
  expect(siblings(chat.state.getState().tree, before.parent)).toHaveLength(2)
  expect(app.getState().settings.seed).toBe(1)
  chat.choose(before.id)
  expect(last(chat).id).toBe(before.id)
})

test('an answer cut off goes on in place; from words of a person it goes on behind them', async () => {
  const { chat, given } = await open()
  await say(chat, 'One.')
  const cut = last(chat)
  await chat.goOn(cut.id)
  expect(last(chat).id).toBe(cut.id)
  expect(chat.tokensOf(last(chat))).toHaveLength(8)
  await say(chat, 'Two.', 'user')
  await chat.edit(last(chat).id, { role: 'assistant', content: 'Well' }, { answer: false })
  expect(said(chat).at(-1)).toBe('assistant: Well')
  await chat.goOn(last(chat).id)
  expect(given.at(-1)).toMatchObject({ continueFinalMessage: true })
  expect(last(chat).answer?.prompt.endsWith('\nassistant>Well')).toBe(true)
  expect(chat.textOf(last(chat)).startsWith('Well')).toBe(true)
})

test('a fork of the answer, made elsewhere, is a turn beside it', async () => {
  const { chat, session } = await open()
  await say(chat, 'One.')
  const { answer, id, parent } = last(chat)
  const { text } = answer!
  const [first] = text.tokens
  session.showText({ ...text, tokens: [{ ...first!, id: first!.id + 1, text: ' Else' }] })
  await session.continue()
  expect(last(chat).id).not.toBe(id)
  expect(last(chat).parent).toBe(parent)
  expect(chat.textOf(last(chat)).startsWith(' Else')).toBe(true)
  expect(chat.tokensOf(last(chat))).toHaveLength(5)
  // The old text is put back by the history, say.
  session.showText(text)
  expect(last(chat).id).toBe(id)
})

test('what another view writes meanwhile is none of the chat; turns removed come back', async () => {
  const { chat, session, app } = await open()
  await say(chat, 'One.')
  const before = said(chat)
  app.setState({ prompt: 'Elsewhere' })
  await session.generate()
  expect(said(chat)).toEqual(before)
  chat.remove(last(chat).id)
  expect(said(chat)).toHaveLength(1)
  await historyOf(session).undo()
  expect(said(chat)).toEqual(before)
})

test('a template that fails is replaced only by one that is chosen', async () => {
  const { chat, given } = await open({ problem: 'The chat template failed in line 2: no.' })
  expect(chat.state.getState().fallback).toBeNull()
  chat.setFallback('plain')
  await say(chat, 'One.')
  expect(given.at(-1)?.template).toContain('message.role | capitalize')
})

test('a system prompt and tools reach the template; the chat goes out as text, Markdown and JSON', async () => {
  const { chat, given } = await open()
  chat.setFields({ system: 'Be kind.', tools: '[{"name":"f"}]' })
  await say(chat, 'One.')
  expect(given.at(-1)?.tools).toEqual([{ name: 'f' }])
  const answer = chat.textOf(last(chat))
  expect(writeChat(chat, 'model', 'text')).toBe(`system: Be kind.\n\nuser: One.\n\nassistant: ${answer}\n`)
  expect(writeChat(chat, 'model', 'markdown')).toContain(`## user\n\nOne.`)
  expect(JSON.parse(writeChat(chat, 'model', 'json'))).toMatchObject({
    model: 'model',
    messages: [{ role: 'system' }, { role: 'user', content: 'One.' }, { role: 'assistant', content: answer }],
    options: { tools: [{ name: 'f' }] },
  })
  chat.setFields({ tools: '{' })
  await say(chat, 'Two.')
  expect(chat.state.getState().problem?.code).toBe('bad-argument')
})

test('the chat outlives a reload of its tab; what another version kept is dropped', async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  })
  try {
    const { chat } = await open()
    await say(chat, 'One.')
    const before = said(chat)
    // It is kept while an answer is being written too, and once more when that is over.
    const written = [...chat.state.getState().tree.turns.values()].map(
      ({ answer }) => answer?.text.tokens.length,
    )
    const turnsKept = () => [...(readChat()?.tree.turns.values() ?? [])]
    await expect.poll(() => turnsKept().map(({ answer }) => answer?.text.tokens.length)).toEqual(written)
    expect(said((await open()).chat)).toEqual(before)
    for (const text of ['{}', '{"turns":[{"id":"x"}],"chosen":[]}', '{"turns":[],"chosen":[[1]]}', '…']) {
      kept.set('tokenscope.chat.1', text)
      expect(readChat(), text).toBeNull()
    }
  } finally {
    vi.unstubAllGlobals()
  }
})
