import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'
import type { ChatMessage } from '../../src/text/types.ts'
import { bytesOf, FIXTURES, loadFolder, readJson, SHARED, WITHOUT_SHARED } from './shared.ts'

const HELLO: ChatMessage[] = [{ role: 'user', content: 'Hello' }]

function withTemplate(chat_template: unknown, fields: Record<string, unknown> = {}): Promise<TextTokenizer> {
  return loadTokenizer(
    {
      tokenizerJson: bytesOf(readJson(FIXTURES, 'byte_level', 'tokenizer.json')),
      tokenizerConfig: bytesOf({ chat_template, bos_token: '<|im_start|>', ...fields }),
    },
    { vocabRows: 400 },
  )
}

async function render(template: unknown, messages = HELLO): Promise<string> {
  const tokenizer = await withTemplate(template)
  try {
    return await tokenizer.applyChatTemplate(messages)
  } finally {
    tokenizer.dispose()
  }
}

describe('templates that must be stopped', () => {
  const hostile: [name: string, template: string][] = [
    [
      'nested ranges',
      '{% for i in range(30000) %}{% for j in range(30000) %}{{ i * j }}{% endfor %}{% endfor %}',
    ],
    ['a huge range', '{% for i in range(20000000) %}x{% endfor %}'],
    ['20,000 parentheses', `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`],
    ['recursion', '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}'],
    [
      'string doubling',
      "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
    ],
    ['a huge indent', "{{ 'a\\nb' | indent(500000000) }}"],
    ['an unclosed loop', '{% for m in messages %}{{ m.content }}'],
    ['5 MB of text', "{% for i in range(5000) %}{{ '" + 'x'.repeat(1100) + "' }}{% endfor %}"],
  ]
  for (const [name, template] of hostile) {
    test(name, async () => {
      const tokenizer = await withTemplate(template)
      await expect(tokenizer.applyChatTemplate(HELLO)).rejects.toMatchObject({
        code: 'unsupported',
        hint: expect.stringContaining('raw text') as string,
      })
      // The tokenizer itself is as good as ever.
      expect(await tokenizer.encode('fox')).not.toHaveLength(0)
      tokenizer.dispose()
    })
  }

  test('what the template says when it refuses is shown as it is', async () => {
    const words = 'Roles must alternate <b>user</b>/assistant/…'
    const rendering = render(`{{ raise_exception('${words}') }}`)
    await expect(rendering).rejects.toMatchObject({ message: words, details: { kind: 'raised', line: 1 } })
  })
})

describe('templates that work', () => {
  test('names of object internals are undefined', async () => {
    const template =
      '[{{ constructor }}|{{ messages[0].constructor }}|{{ constructor is defined }}|{{ __proto__ is defined }}]'
    expect(await render(template)).toBe('[||False|False]')
  })

  test('a template inside a message stays text', async () => {
    const content = '{{7*7}} {% for x in y %} {{ raise_exception("no") }}'
    expect(await render('{{ messages[0].content }}', [{ role: 'user', content }])).toBe(content)
  })

  test('the fixture writes ChatML, ready for the assistant', async () => {
    const tokenizer = await loadFolder(join(FIXTURES, 'byte_level'))
    expect(tokenizer.hasChatTemplate).toBe(true)
    const text = await tokenizer.applyChatTemplate([{ role: 'system', content: 'Be kind.' }, ...HELLO])
    expect(text).toBe(
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n',
    )
    tokenizer.dispose()
  })

  test('special tokens are known, whether written as text or as objects', async () => {
    const tokenizer = await withTemplate('{{ bos_token }}{{ eos_token }}', {
      eos_token: { content: '<|im_end|>', lstrip: false },
    })
    expect(await tokenizer.applyChatTemplate(HELLO)).toBe('<|im_start|><|im_end|>')
    tokenizer.dispose()
  })

  test('of several templates the default one is taken; chat_template.jinja wins over all', async () => {
    const named = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ]
    expect(await render(named)).toBe('plain')
    const tokenizer = await loadTokenizer(
      {
        tokenizerJson: bytesOf(readJson(FIXTURES, 'byte_level', 'tokenizer.json')),
        tokenizerConfig: bytesOf({ chat_template: named }),
        chatTemplate: new TextEncoder().encode('from the file'),
      },
      { vocabRows: 400 },
    )
    expect(await tokenizer.applyChatTemplate(HELLO)).toBe('from the file')
    tokenizer.dispose()
  })

  test('without a template, and after dispose, it says so', async () => {
    const tokenizer = await withTemplate(undefined)
    expect(tokenizer.hasChatTemplate).toBe(false)
    await expect(tokenizer.applyChatTemplate(HELLO)).rejects.toMatchObject({ code: 'unsupported' })
    const disposed = await withTemplate('x')
    disposed.dispose()
    await expect(disposed.applyChatTemplate(HELLO)).rejects.toMatchObject({ code: 'aborted' })
    tokenizer.dispose()
  })

  test('messages of the wrong form are the caller’s mistake', async () => {
    for (const wrong of [[], ['x'], [{ content: 'x' }], [{ role: 'user', content: () => 'x' }]]) {
      const messages = wrong as unknown as ChatMessage[]
      await expect(render('x', messages)).rejects.toMatchObject({ code: 'bad-argument' })
    }
  })
})

describe.skipIf(WITHOUT_SHARED)(`published templates ${WITHOUT_SHARED}`, () => {
  for (const [name, start] of [
    ['qwen2.5', '<|im_start|>system\nYou are'],
    ['smollm', '<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n'],
    ['llama2', '<|user|>\nHello</s>'],
  ] as const) {
    test(name, async () => {
      const tokenizer = await loadFolder(join(SHARED, 'tokenizers', name))
      const text = await tokenizer.applyChatTemplate(HELLO)
      expect(text.startsWith(start)).toBe(true)
      expect(text).toMatch(/assistant\|?>?\n?$/)
      tokenizer.dispose()
    })
  }
})
