import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { scriptedModel } from '../gpu/engine.scripted.ts'
import { expectAccessible } from './accessible.ts'
import { fold, id, idsIn, message, rows, send, TIMEOUT } from './chatPage.ts'
import { openPage, takeScreenshot } from './harness.ts'

const TEMPLATE =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>{% endfor %}" +
  "{% if thinking is true %}{{ 'T' }}{% endif %}{% if tools %}{{ tools | length }}{% endif %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

const ANSWER = '<think>Let me see.</think>**안녕** <b>there</b>, [a link](javascript:alert(1)).'

async function openChat(chatTemplate: string, text = ANSWER): Promise<Page> {
  const { page } = await openPage({ path: '#run=0&temperature=0', initScript: fold })
  await page.evaluate(() => window.tokenscope)
  const { files } = scriptedModel(text, { chatTemplate })
  const upload = [...files].map(([name, bytes]) => ({ name, mimeType: '', buffer: Buffer.from(bytes) }))
  await page.getByTestId('model-drop').setInputFiles(upload)
  await expect
    .poll(() => page.evaluate(async () => (await window.tokenscope).model?.info.vocab), TIMEOUT)
    .toBeLessThan(400)
  await page.click(id('view-chat'))
  await page.waitForSelector(id('chat-input'))
  return page
}

test('turns, tokens, reasoning, branches, the rendered prompt; accessible', async () => {
  const page = await openChat(TEMPLATE)
  await send(page, 'One.')
  const answer = page.locator(message('assistant')).first()
  expect(await answer.locator('.chat-reasoning summary').textContent()).toContain('Reasoning')
  // Tokens of the answer are those of the page's text.
  const reported = await page.evaluate(async () => (await window.tokenscope).model!.info.eosIds)
  const ids = await idsIn(answer)
  expect(reported).toContain(ids.at(-1))
  await answer.locator('[data-token-index]').last().click()
  expect(await answer.locator('[aria-selected="true"]').count()).toBe(1)
  expect(await page.locator(id('logits-row')).count()).toBeGreaterThan(0)
  // The prompt as the template has it.
  await page.click(id('chat-show-prompt'))
  await expect
    .poll(() => page.textContent(id('chat-rendered')))
    .toBe('<|im_start|>user\nOne.<|im_end|><|im_start|>assistant\n')
  // A third turn computes what the two before have not.
  await send(page, 'Two.')
  const before = await rows(page)
  await send(page, 'Three.')
  const added = '<|im_end|>'.length + '<|im_start|>user\nThree.<|im_end|><|im_start|>assistant\n'.length
  expect((await rows(page)) - before).toBeLessThan(added + ids.length + 4)
  expect(await page.locator(id('chat-facts')).last().textContent()).toMatch(/taken over/)
  // Another second turn stands beside the first.
  await page.locator(message('user')).nth(1).getByTestId('chat-edit').click()
  await page.fill(id('chat-edit-text'), 'Other.')
  await page.click(id('chat-edit-save'))
  await expect.poll(() => page.locator(message('assistant')).count(), TIMEOUT).toBe(2)
  await page.waitForSelector(`${id('model-status')}[data-state="ready"]`)
  expect(await page.locator(message('user')).nth(1).getByTestId('chat-siblings').textContent()).toContain(
    '2/2',
  )
  await page.locator(message('user')).nth(1).getByRole('button', { name: 'Turn before' }).click()
  expect(await page.locator(message('user')).count()).toBe(3)
  await expectAccessible(page, 'chat')
  // A/B answers the same chat: under the same adapters on both sides with the ids of the answer.
  const chosen = page.locator(message('assistant')).last()
  const written = await idsIn(chosen)
  await chosen.getByTestId('chat-compare').click()
  await page.waitForSelector(id('compare-chat'))
  await page.click(id('generate'))
  await expect.poll(() => idsIn(page.getByTestId('output-a')), TIMEOUT).toEqual(written)
  await expect.poll(() => idsIn(page.getByTestId('output-b')), TIMEOUT).toEqual(written)
})

test('Markdown is shown without its HTML; Enter within a syllable sends nothing; options reach the template', async () => {
  const page = await openChat(TEMPLATE)
  await page.focus(id('chat-input'))
  await page.keyboard.insertText('안')
  await page.dispatchEvent(id('chat-input'), 'keydown', { key: 'Enter', isComposing: true, bubbles: true })
  expect(await page.locator(id('chat-message')).count()).toBe(0)
  await page.selectOption(id('chat-option-thinking'), 'true')
  await page.fill(id('chat-tools'), '[{"name":"f"}]')
  await page.fill(id('chat-system'), 'Be kind.')
  await send(page, '안녕?')
  await page.getByRole('radio', { name: 'Markdown' }).check()
  const body = page.locator(message('assistant')).first()
  await body.locator('strong').waitFor()
  expect(await body.locator('strong').textContent()).toBe('안녕')
  expect(await body.textContent()).toContain('<b>there</b>')
  expect(await body.locator('b, a').count()).toBe(0)
  await page.click(id('chat-show-prompt'))
  const start = '<|im_start|>system\nBe kind.<|im_end|><|im_start|>user\n안녕?<|im_end|>T1'
  await expect.poll(() => page.textContent(id('chat-rendered'))).toContain(start)
  await takeScreenshot(page, 'chat markdown')
})

test('a model whose template fails says so, and takes turns once a layout is chosen', async () => {
  const page = await openChat('{% for %}', 'Fine.\nUser: more')
  expect(await page.textContent(id('chat-fallback'))).toContain('line 1')
  expect(await page.isDisabled(id('chat-send'))).toBe(true)
  await page.getByRole('radio', { name: 'User: … Assistant: …' }).check()
  await send(page, 'Well?')
  const body = page.locator(`${message('assistant')} .stream-output`)
  expect(await body.textContent()).toBe('Fine.')
  await page.click(id('chat-show-prompt'))
  await expect.poll(() => page.textContent(id('chat-rendered'))).toBe('User: Well?\n\nAssistant:')
})
