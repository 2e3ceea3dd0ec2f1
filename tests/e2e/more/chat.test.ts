import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readJson, SHARED } from '../../text/shared.ts'
import { fold, id, idsIn, message, rows, send, TIMEOUT } from '../chatPage.ts'
import { openPage } from '../harness.ts'

const SMOLLM = join(SHARED, 'models/smollm2-135m-instruct')
const WITHOUT_SMOLLM = existsSync(SMOLLM) ? '' : 'skipped: needs shared data'

interface Golden {
  prompts: { messages?: { content: string }[]; text: string; greedy: number[] }[]
}

test.skipIf(WITHOUT_SMOLLM)(
  `three turns with SmolLM2, as Transformers has them ${WITHOUT_SMOLLM}`,
  async () => {
    const { page } = await openPage({ path: '#run=0&temperature=0&max-tokens=8', initScript: fold })
    await page.evaluate(() => window.tokenscope)
    await page.getByTestId('model-drop').setInputFiles(join(SMOLLM, 'SmolLM2-135M-Instruct.Q4_1.gguf'))
    await expect
      .poll(() => page.evaluate(async () => (await window.tokenscope).model?.info.layers), TIMEOUT)
      .toBe(30)
    await page.click(id('view-chat'))
    const [golden] = readJson<Golden>(SMOLLM, 'expected.json').prompts as [Golden['prompts'][0]]
    const { messages, text, greedy } = golden
    await page.fill(id('chat-input'), messages!.at(-1)!.content)
    await page.click(id('chat-add'))
    await page.click(id('chat-show-prompt'))
    await expect.poll(() => page.textContent(id('chat-rendered')), TIMEOUT).toBe(text)
    await page.click(id('chat-show-prompt'))
    await page.locator(message('user')).getByTestId('chat-remove').click()
    await send(page, messages!.at(-1)!.content)
    expect(await idsIn(page.locator(message('assistant')).last())).toEqual(greedy)
    await send(page, 'And of Spain?')
    const before = await rows(page)
    await send(page, 'Thank you.')
    const answered = await idsIn(page.locator(message('assistant')).last())
    const added = await page.evaluate(async () => {
      const { model } = await window.tokenscope
      const text = '<|im_end|>\n<|im_start|>user\nThank you.<|im_end|>\n<|im_start|>assistant\n'
      return (await model!.encode(text, { addSpecialTokens: false, parseSpecial: true })).length
    })
    expect((await rows(page)) - before).toBeLessThanOrEqual(added + answered.length + 1)
  },
)
