import { renderToStaticMarkup } from 'react-dom/server'
import { createElement } from 'react'
import { describe, expect, test } from 'vitest'
import { answerMessage, answerParts, toolCalls } from '../../src/ui/views/chat/answerParts.ts'
import { readOptions, EMPTY_FIELDS, variableFields } from '../../src/ui/views/chat/options.ts'
import { FALLBACK_TEMPLATES } from '../../src/ui/views/chat/fallbacks.ts'
import { chatIds, promptTokens } from '../../src/ui/views/chat/promptIds.ts'
import {
  addTurn,
  chooseTurn,
  contentText,
  EMPTY_TREE,
  pathOf,
  removeTurn,
  type Answer,
  type ChatTree,
} from '../../src/ui/views/chat/turns.ts'
import { renderTemplate } from '../../src/text/jinja/render.ts'
import { ShownMarkdown } from '../../src/ui/views/chat/ShownMarkdown.tsx'

const user = (content: string, parent: number | null) => ({
  parent,
  message: { role: 'user', content },
  answer: null,
})

describe('turns', () => {
  const build = (...steps: (readonly [string, number | null])[]): ChatTree =>
    steps.reduce((tree, [content, parent]) => addTurn(tree, user(content, parent)).tree, EMPTY_TREE)
  const said = (tree: ChatTree): string =>
    pathOf(tree)
      .map(({ message }) => contentText(message))
      .join(' ')

  test('a turn written beside another is on show, what followed the other stays with it', () => {
    const tree = build(['a', null], ['b', 1], ['c', 2], ['d', 1])
    expect(said(tree)).toBe('a d')
    expect(said(chooseTurn(tree, 2))).toBe('a b c')
  })

  test('a turn goes with all behind it, and its neighbour takes its place', () => {
    const tree = build(['a', null], ['b', 1], ['c', 2], ['d', 1])
    expect(said(removeTurn(tree, 4))).toBe('a b c')
    expect(said(removeTurn(tree, 1))).toBe('')
    expect(removeTurn(tree, 1).turns.size).toBe(0)
  })
})

describe('an answer taken apart', () => {
  test.each([
    ['plain', 'Hi.', false, null, 'Hi.'],
    ['reasoning first', '<think>hm</think>Hi.', false, 'hm', 'Hi.'],
    ['begun by the prompt', 'hm</think>Hi.', true, 'hm', 'Hi.'],
    ['still reasoning', '<think>hm', false, 'hm', ''],
    ['a word of it later', 'Say <think>.', false, null, 'Say <think>.'],
  ])('%s', (_, text, reasons, reasoning, answer) => {
    expect(answerParts(text, reasons)).toMatchObject({ reasoning, answer })
  })

  const CALL = '{"name": "f", "arguments": {"x": 1}}'
  test.each([
    ['tagged', `So: <tool_call>\n${CALL}\n</tool_call>`, 1, 'So:'],
    ['two tagged', `<tool_call>${CALL}</tool_call><tool_call>${CALL}</tool_call>`, 2, ''],
    ['JSON as a whole', `[${CALL}]`, 1, ''],
    ['other JSON', '{"x": 1}', 0, '{"x": 1}'],
    ['broken', '<tool_call>{"name": </tool_call>', 0, '<tool_call>{"name": </tool_call>'],
  ])('calls of tools: %s', (_, text, count, rest) => {
    const result = toolCalls(text)
    expect([result.calls.length, result.rest]).toEqual([count, rest])
  })

  test('goes to the template under the names that it reads', () => {
    const text = `<think>hm</think>\n\n<tool_call>${CALL}</tool_call>`
    expect(answerMessage(text, { reasons: false, fields: [], tools: true })).toEqual({
      role: 'assistant',
      content: text,
    })
    expect(
      answerMessage(text, { reasons: false, fields: ['reasoning_content', 'tool_calls'], tools: true }),
    ).toMatchObject({ content: '', reasoning_content: 'hm', tool_calls: [{ function: { name: 'f' } }] })
  })
})

/** A tokenizer of single characters, but for `ab` and the tag `<s>`. */
const fake = {
  encode: (text: string) =>
    Promise.resolve(
      (text.match(/<s>|ab|[^]/g) ?? []).map((piece) =>
        piece === '<s>' ? 1 : piece === 'ab' ? 2 : piece.charCodeAt(0),
      ),
    ),
  tokenTexts: (ids: readonly number[]) =>
    Promise.resolve(ids.map((id) => (id === 1 ? '' : id === 2 ? 'ab' : String.fromCharCode(id)))),
}

describe('ids of a rendered chat', () => {
  const token = (id: number, text: string) => ({ id, text }) as Answer['text']['tokens'][0]
  const before = {
    prompt: '<s>x',
    prefix: '',
    reasons: false,
    text: { promptIds: [1, 120], tokens: [token(97, 'a'), token(98, 'b'), token(9, '')], endIds: [9] },
  } as unknown as Answer

  test('an answer keeps the tokens it was written in, where a special token follows', async () => {
    expect(await chatIds(fake, '<s>xab<s>y', before)).toEqual([1, 120, 97, 98, 1, 121])
    expect(await chatIds(fake, '<s>xaby', before)).toEqual([1, 120, 2, 121])
    expect(await chatIds(fake, '<s>zab<s>y', before)).toEqual([1, 122, 2, 1, 121])
    expect(await chatIds(fake, '<s>xab', null)).toEqual([1, 120, 2])
  })

  test('special tokens are spelled', async () => {
    const text = '<s>xab'
    expect(await promptTokens(fake, text, await fake.encode(text), [])).toEqual([
      { id: 1, text: '<s>', special: true },
      { id: 120, text: 'x', special: false },
      { id: 2, text: 'ab', special: false },
    ])
  })
})

describe('options of a template', () => {
  test('variables are those of the model alone, switches told from words', () => {
    const variable = (name: string, ...values: (string | boolean)[]) => ({ name, values })
    const fields = variableFields({
      names: ['default'],
      source: '',
      specialTokens: { bos_token: '<s>' },
      reads: {
        variables: [
          variable('messages'),
          variable('bos_token'),
          variable('enable_thinking', true, false),
          variable('keep_past_thinking'),
          variable('effort', 'low', 'high'),
        ],
        roles: [],
        fields: [],
        readsClock: false,
      },
      problem: null,
    })
    expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
      ['enable_thinking', 'switch'],
      ['keep_past_thinking', 'switch'],
      ['effort', 'text'],
    ])
    expect(fields[2]?.suggestions).toEqual(['low', 'high'])
  })

  test('fields become what a template takes; lists that are none are refused', () => {
    const variables = { a: true, b: '', c: '3', d: 'low' }
    expect(readOptions({ ...EMPTY_FIELDS, tools: '[{"name":"f"}]', variables })).toMatchObject({
      tools: [{ name: 'f' }],
      kwargs: { a: true, c: 3, d: 'low' },
    })
    for (const tools of ['{', '{}']) {
      expect(() => readOptions({ ...EMPTY_FIELDS, tools })).toThrow(
        expect.objectContaining({ code: 'bad-argument' }) as Error,
      )
    }
  })

  test.each([
    ['plain', 'System: S\n\nUser: hi\n\nAssistant:'],
    ['chatml', '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n'],
  ] as const)('layout %s', (name, expected) => {
    const messages = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'hi' },
    ]
    const { template } = FALLBACK_TEMPLATES[name]
    expect(renderTemplate(template, { messages, add_generation_prompt: true }, new Date())).toBe(expected)
  })
})

describe('Markdown', () => {
  const html = (text: string): string => renderToStaticMarkup(createElement(ShownMarkdown, { text }))
  test.each([
    ['<img src=x onerror=alert(1)>', /&lt;img/],
    ['<script>alert(1)</script>', /&lt;script/],
    ['[x](javascript:alert(1))', /^<div class="markdown"><p>x<\/p><\/div>$/],
    ['![cat](https://example.org/cat.png)', /<a href="https:\/\/example.org\/cat.png"[^>]*>cat<\/a>/],
    ['[x](data:text/html,hi)', /<p>x<\/p>/],
    ['a &lt;b&gt; &amp;amp; &#x41;', /a &lt;b&gt; &amp;amp; A/],
    ['**b** *i* ~~s~~ `<c>`', /<strong>b<\/strong> <em>i<\/em> <s>s<\/s> <code>&lt;c&gt;<\/code>/],
    ['1. one\n2. two', /<ol[^>]*><li>one<\/li><li>two<\/li><\/ol>/],
    ['|a|b|\n|-|-|\n|1|2|', /<th>a<\/th>.*<td>2<\/td>/],
    ['```js\nlet x = "<b>"\n```', /<pre[^>]*><code>let x = &quot;&lt;b&gt;&quot;<\/code>/],
    ['# Big', /markdown-h1[^>]*>Big/],
  ])('%s', (text, expected) => {
    expect(html(text)).toMatch(expected)
    expect(html(text)).not.toMatch(/<img|<script|javascript:/)
  })
})
