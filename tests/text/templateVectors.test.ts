import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { renderChatTemplate } from '../../src/text/chatTemplate.ts'
import type { ChatMessage } from '../../src/text/types.ts'
import { FIXTURES, readJson, SHARED, WITHOUT_SHARED } from './shared.ts'

interface Case {
  name: string
  messages: ChatMessage[]
  tools?: unknown[]
  documents?: unknown[]
  add_generation_prompt?: boolean
  continue_final_message?: boolean
  kwargs?: Record<string, unknown>
  expected?: string
  error?: string
  error_type?: string
}

interface CaseFile {
  special_tokens: Record<string, string>
  cases: Case[]
}

/** The clock of the goldens. */
const NOW = new Date(2026, 10, 30, 12, 34, 56)

function render(template: string, specialTokens: Record<string, string>, one: Case): Promise<string> {
  return renderChatTemplate(template, one.messages, {
    specialTokens,
    tools: one.tools,
    documents: one.documents,
    addGenerationPrompt: one.add_generation_prompt,
    continueFinalMessage: one.continue_final_message,
    now: NOW,
    kwargs: one.kwargs,
  })
}

async function check(template: string, tokens: Record<string, string>, one: Case): Promise<void> {
  if (one.expected !== undefined) {
    expect(await render(template, tokens, one), one.name).toBe(one.expected)
    return
  }
  const error: unknown = await render(template, tokens, one).catch((reason: unknown) => reason)
  expect(error, one.name).toBeInstanceOf(TokenscopeError)
  if (one.error_type === 'TemplateError') expect(error, one.name).toMatchObject({ message: one.error })
}

describe.skipIf(WITHOUT_SHARED)(`published templates, as Transformers renders them ${WITHOUT_SHARED}`, () => {
  const root = join(SHARED, 'chat-templates')
  const names = existsSync(root)
    ? readdirSync(root).filter((name) => existsSync(join(root, name, 'cases.json')))
    : []
  for (const name of names) {
    test(name, async () => {
      const template = readFileSync(join(root, name, 'template.jinja'), 'utf8')
      const { special_tokens: tokens, cases } = readJson<CaseFile>(root, name, 'cases.json')
      for (const one of cases) await check(template, tokens, one)
    })
  }
  test('none is left out', () => {
    const files = names.map((name) => readJson<CaseFile>(root, name, 'cases.json'))
    expect(files.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThanOrEqual(640)
  })
})

describe('small templates, as Jinja renders them in the environment of Transformers', () => {
  for (const { group, cases } of readJson<{ group: string; cases: (Case & { template: string })[] }[]>(
    FIXTURES,
    'templates.json',
  )) {
    test(group, async () => {
      for (const one of cases) await check(one.template, {}, { ...one, name: one.template })
    })
  }
})
