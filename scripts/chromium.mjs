import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { aptInstall, canUseApt } from './apt.mjs'
import { run, say, SetupError } from './run.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const MAC_APPS = ['Google Chrome', 'Chromium', 'Google Chrome Canary']
const WINDOWS_PATH = 'Google\\Chrome\\Application\\chrome.exe'

/** Software WebGPU, so results do not depend on the machine's GPU. Only Linux builds carry the software driver everywhere. */
const SOFTWARE_GPU =
  process.platform === 'linux'
    ? [
        '--use-webgpu-adapter=swiftshader',
        '--enable-features=Vulkan',
        '--use-vulkan=swiftshader',
        '--use-angle=swiftshader',
      ]
    : []

/** Flags for a headless Chromium with WebGPU that makes no request of its own. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  ...SOFTWARE_GPU,
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
]

/** @returns {Promise<string[]>} where a browser may be, best first */
async function candidates() {
  const { env, platform } = process
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  const places = {
    linux: onPath,
    darwin: MAC_APPS.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`),
  }
  const windows = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]
    .filter(Boolean)
    .map((folder) => join(folder, WINDOWS_PATH))
  const { chromium } = await import('playwright-core')
  const found = platform === 'win32' ? windows : (places[platform] ?? onPath)
  return [...found, chromium.executablePath()]
}

/**
 * Path of a Chromium that runs, or null. `CHROMIUM_PATH` is taken as it is; on Linux others must answer `--version`,
 * because Ubuntu's `chromium-browser` package may be a stub that only prints a notice.
 */
export async function findChromium() {
  const asked = process.env.CHROMIUM_PATH
  if (asked) {
    if (existsSync(asked)) return asked
    throw new SetupError(
      `CHROMIUM_PATH names ${asked}, which does not exist.`,
      'Correct or unset CHROMIUM_PATH.',
    )
  }
  for (const path of new Set(await candidates())) {
    if (!existsSync(path)) continue
    if (process.platform !== 'linux' || (await run(path, ['--version'], { quiet: true })) === 0) return path
  }
  return null
}

/** The folder with Chromium's own Vulkan loader and software driver, or null (Linux). */
export function chromiumLibraries(executable) {
  const places = [
    dirname(realpathSync(executable)),
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/opt/google/chrome',
  ]
  return places.find((folder) => existsSync(join(folder, 'vk_swiftshader_icd.json'))) ?? null
}

/** Finds a Chromium, installing one where that is possible. */
export async function requireChromium() {
  const found = await findChromium()
  if (found) return found
  if (canUseApt()) {
    say('No Chromium found: installing it through apt-get …')
    await aptInstall(['chromium'])
    const installed = await findChromium()
    if (installed) return installed
    say('apt-get gave no Chromium that runs: fetching the one Playwright publishes …')
    await run(process.execPath, [
      'node_modules/playwright-core/cli.js',
      'install',
      '--with-deps',
      '--no-shell',
      'chromium',
    ])
    const fetched = await findChromium()
    if (fetched) return fetched
  }
  throw new SetupError(
    'The end-to-end tests need Chromium or Chrome 121 or newer, and none was found.',
    'Install one (Debian: apt-get install chromium; Fedora: dnf install chromium; macOS and Windows: Google Chrome), ' +
      'or set CHROMIUM_PATH to its executable; `npm test -- --project unit` needs no browser.',
  )
}
