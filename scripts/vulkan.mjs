import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { aptInstall, canUseApt } from './apt.mjs'
import { chromiumLibraries, findChromium, requireChromium } from './chromium.mjs'
import { say, SetupError } from './run.mjs'

const DRIVER_FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']
const LOADER_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/lib/x86_64-linux-gnu',
]

/**
 * The manifest of Mesa's software driver when it is Mesa 23 or newer, else null. The manifest states the Vulkan header it
 * was built with: 1.3.230 in Mesa 22.3, 1.3.238 in Mesa 23.0.
 */
export function findLavapipe() {
  for (const folder of DRIVER_FOLDERS.filter((path) => existsSync(path))) {
    const name = readdirSync(folder).find((file) => /^lvp_icd.*\.json$/.test(file))
    if (!name) continue
    const { api_version: version } = JSON.parse(readFileSync(join(folder, name), 'utf8')).ICD
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
    if (major > 1 || minor > 3 || (minor === 3 && patch >= 235)) return join(folder, name)
  }
  return null
}

function hasLoader() {
  return LOADER_FOLDERS.some((folder) => existsSync(join(folder, 'libvulkan.so.1')))
}

/** @param {string} manifest */
function driverEnvironment(manifest) {
  return { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest } // the second is the name older loaders know
}

/**
 * Environment that makes Dawn in Node run on a software GPU: Mesa's lavapipe, else the SwiftShader that ships with Chromium.
 * Empty outside Linux, when the caller has already chosen a driver, or with `TOKENSCOPE_GPU=system`.
 * @returns {Promise<Record<string, string>>}
 */
export async function vulkanEnvironment() {
  const { platform, env } = process
  if (platform !== 'linux' || env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES || env.TOKENSCOPE_GPU === 'system')
    return {}
  if (!hasLoader() && canUseApt()) {
    say('No Vulkan loader found: installing libvulkan1 through apt-get …')
    await aptInstall(['libvulkan1'])
  }
  const lavapipe = findLavapipe()
  if (lavapipe && hasLoader()) {
    say('GPU tests in Node run on lavapipe.')
    return driverEnvironment(lavapipe)
  }
  const folder = chromiumLibraries((await findChromium()) ?? (await requireChromium()))
  if (!folder || !(hasLoader() || existsSync(join(folder, 'libvulkan.so.1')))) {
    throw new SetupError(
      'The GPU tests need a Vulkan loader and a software driver, and none was found.',
      'Install libvulkan1 and mesa-vulkan-drivers (23 or newer), or set TOKENSCOPE_GPU=system to use the GPU of this machine.',
    )
  }
  say("GPU tests in Node run on Chromium's SwiftShader: no lavapipe of Mesa 23 or newer is installed.")
  const loader = hasLoader()
    ? {}
    : { LD_LIBRARY_PATH: [folder, env.LD_LIBRARY_PATH].filter(Boolean).join(':') }
  return { ...driverEnvironment(join(folder, 'vk_swiftshader_icd.json')), ...loader }
}
