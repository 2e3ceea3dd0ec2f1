import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { requireChromium, CHROMIUM_FLAGS } from './chromium.mjs'
import { installDependencies } from './dependencies.mjs'
import { root, runMain, say } from './run.mjs'
import { serve } from './serve.mjs'
import { buildIfStale, dist } from './site.mjs'

const OUT = `${root}docs/images/`
/** Pictures of the documentation: which view, on which page. */
const PICTURES = [
  { name: 'playground', view: 'write', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'playground-dark', view: 'write', width: 1440, height: 900, colorScheme: 'dark' },
  { name: 'playground-phone', view: 'write', width: 390, height: 844, colorScheme: 'light' },
  { name: 'steps', view: 'steps', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'attention', view: 'attention', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'lens', view: 'lens', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'adapters', view: 'adapters', width: 1440, height: 900, colorScheme: 'light' },
  { name: 'compare', view: 'compare', width: 1440, height: 900, colorScheme: 'light' },
]

/** Waits until the model has written its first text. */
async function settle(page) {
  await page.waitForFunction(
    () => {
      const status = document.querySelector('[data-testid=model-status]')?.getAttribute('data-state')
      return status === 'ready' && document.querySelectorAll('[data-token-index]').length >= 20
    },
    null,
    { timeout: 120_000 },
  )
}

await runMain(async () => {
  await installDependencies()
  const executablePath = await requireChromium()
  await buildIfStale()
  mkdirSync(OUT, { recursive: true })
  const site = await serve(dist, { port: 0 })
  const browser = await chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS })
  try {
    for (const { name, view, width, height, colorScheme } of PICTURES) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme })
      await page.goto(site.url)
      await settle(page)
      const tab = page.getByTestId(`view-${view}`)
      if ((await tab.count()) === 0) {
        say(`No view ${view}: ${name} is left out.`)
        await page.close()
        continue
      }
      await tab.first().click()
      await page.waitForTimeout(3000)
      await page.screenshot({ path: `${OUT}${name}.png` })
      say(`docs/images/${name}.png`)
      await page.close()
    }
  } finally {
    await browser.close()
    await site.close()
  }
})
