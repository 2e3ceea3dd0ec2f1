import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium.mjs'
import { serve } from '../../scripts/serve.mjs'
import { invariant } from '../../src/errors.ts'

export interface OpenOptions {
  /** What follows the page's address: `?seed=1`, `#prompt=…`, another file's name. */
  path?: string
  /** The path the page is mounted at, `/…/`; default `/`. */
  base?: string
  /** CSS pixels; default 1440 × 900. */
  viewport?: { width: number; height: number }
  colorScheme?: 'light' | 'dark'
  reducedMotion?: 'reduce' | 'no-preference'
  /** Runs in the page before its own scripts. */
  initScript?: string | (() => void)
  /** The page may keep itself for when there is no connection. Others do without, so that every request is seen. */
  serviceWorkers?: 'allow' | 'block'
  /** Origins that may be asked beside the page's own: a hub of the test. */
  allowedOrigins?: readonly string[]
  /** Console and page errors the test provokes on purpose; all others fail it. */
  expectedErrors?: readonly RegExp[]
}

export interface OpenedPage {
  page: Page
  /** The address the page is served at, ending in `/`. */
  url: string
  /** Every address asked for so far, by the page and its workers. */
  requests: readonly string[]
  /** Console errors and uncaught errors so far. */
  errors: readonly string[]
}

interface Watched extends OpenedPage {
  context: BrowserContext
  expectedErrors: readonly RegExp[]
  allowedOrigins: readonly string[]
}

const dist = fileURLToPath(new URL('../../dist', import.meta.url))
const pictures = fileURLToPath(new URL('../../.cache/screenshots', import.meta.url))

let browser: Promise<Browser> | null = null
const servers = new Map<string, ReturnType<typeof serve>>()
const watched: Watched[] = []

async function launch(): Promise<Browser> {
  const executablePath = await findChromium()
  invariant(executablePath, 'no Chromium: run these tests through `npm test`, which finds or installs one')
  return chromium.launch({ executablePath, headless: true, args: [...CHROMIUM_FLAGS] })
}

/** Serves `dist` at a path of a plain static host, once per path. Resolves to the address, ending in `/`. */
export async function serveDist(base = '/'): Promise<string> {
  let server = servers.get(base)
  if (!server) servers.set(base, (server = serve(dist, { base })))
  return (await server).url
}

/** The one Chromium of the test file, with WebGPU on its software GPU. */
export function testBrowser(): Promise<Browser> {
  return (browser ??= launch())
}

/**
 * Opens the built page in a fresh context (own storage). After the test it is closed, and the test fails if the page or its
 * workers asked another origin for anything, logged an error or threw one.
 */
export async function openPage(options: OpenOptions = {}): Promise<OpenedPage> {
  const { path = '', base = '/', viewport = { width: 1440, height: 900 }, expectedErrors = [] } = options
  const { colorScheme = 'light', reducedMotion = 'no-preference', serviceWorkers = 'block' } = options
  const url = await serveDist(base)
  const context = await (
    await testBrowser()
  ).newContext({
    viewport,
    colorScheme,
    reducedMotion,
    serviceWorkers,
  })
  const requests: string[] = []
  const errors: string[] = []
  context.on('request', (request) => requests.push(request.url()))
  context.on('weberror', (error) => errors.push(`uncaught: ${error.error().message}`))
  context.on('console', (message) => {
    if (message.type() === 'error') errors.push(`console: ${message.text()} (${message.location().url})`)
  })
  if (options.initScript) await context.addInitScript(options.initScript)
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const { allowedOrigins = [] } = options
  const opened = { page, url, requests, errors, context, expectedErrors, allowedOrigins }
  watched.push(opened)
  await page.goto(url + path)
  return opened
}

/** Saves what the page shows, for a person to look at, and resolves to the file's path. */
export async function takeScreenshot(page: Page, name: string): Promise<string> {
  await mkdir(pictures, { recursive: true })
  const path = `${pictures}/${name.replace(/[^\w-]+/g, '-')}.png`
  await page.screenshot({ path })
  return path
}

/** Of a page that may hang: what the test found counts, not that no picture of it could be had. */
async function pictureOf(page: Page, name: string): Promise<void> {
  try {
    await page.bringToFront()
    await takeScreenshot(page, name)
  } catch (error) {
    console.log(`No picture of ${name}: ${String(error)}`)
  }
}

function isForeign(address: string, url: string): boolean {
  const { protocol, origin } = new URL(address)
  return protocol !== 'data:' && protocol !== 'blob:' && origin !== new URL(url).origin
}

/** Closes the test's pages and throws on what {@link openPage} forbids. A failed test leaves a screenshot of each. */
export async function checkPages(testName: string, failed: boolean): Promise<void> {
  const complaints: string[] = []
  for (const { page, url, requests, errors, context, expectedErrors, allowedOrigins } of watched.splice(0)) {
    if (failed && !page.isClosed()) await pictureOf(page, `failed ${testName}`)
    await context.close()
    for (const address of requests)
      if (isForeign(address, url) && !allowedOrigins.includes(new URL(address).origin))
        complaints.push(`asked another origin: ${address}`)
    for (const error of errors) if (!expectedErrors.some((known) => known.test(error))) complaints.push(error)
  }
  if (complaints.length > 0) throw new Error(`The page did what no page may do:\n${complaints.join('\n')}`)
}

/** Ends the browser and the servers of the test file. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = null
  for (const server of servers.values()) await (await server).close()
  servers.clear()
}
