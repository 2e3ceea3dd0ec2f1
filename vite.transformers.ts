import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

const PACKAGE = '@xenova/transformers'
const SOURCE = resolve(
  dirname(fileURLToPath(import.meta.url)),
  `node_modules/${PACKAGE}/src/tokenization_utils.js`,
)
/** Not a path in node_modules, so that test runners load it through this plugin too. */
const VIRTUAL = '\0transformers-tokenizers'
const STUB = '\0transformers-stub'
const SCRIPT = '?script'

/**
 * What the tokenizer module imports for downloading models, returning ONNX tensors and rendering chat templates: we do neither of the
 * first two, and the last by our own, which renders them as Transformers does.
 */
const STUBBED = new Set([
  '@huggingface/jinja',
  './utils/hub.js',
  './utils/tensor.js',
  './utils/logger.js',
  './utils/model_registry/get_tokenizer_files.js',
])
const STUB_CODE = `
export class Tensor {}
export class Template {}
export const logger = { warn() {} }
export const getModelJSON = null
export const get_tokenizer_files = null
`
/** Reaching one of these means the package has changed and the runtime would ship; the build stops instead. */
const FORBIDDEN = /^(onnxruntime-|sharp$)/

async function bundleScript(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    plugins: [transformers()],
    build: { write: false, lib: { entry, formats: ['iife'], name: 'script' } },
  })
  const outputs = Array.isArray(result) ? result : [result]
  const chunk = outputs.flatMap((one) => ('output' in one ? one.output : []))[0]
  if (chunk?.type !== 'chunk') throw new Error(`${entry}: the bundler produced no script`)
  return `export default ${JSON.stringify(chunk.code)}`
}

/**
 * Makes `import { PreTrainedTokenizer } from '@xenova/transformers'` mean the package's tokenizer module
 * alone, and `import source from './x.ts?script'` mean that module bundled into the text of a classic script.
 *
 * The package's entry pulls in the ONNX runtime; its tokenizer module needs none of it. The same resolution holds in
 * the dev server, both builds, worker bundles and tests.
 */
export function transformers(): Plugin {
  return {
    name: 'tokenscope:transformers',
    enforce: 'pre',
    config: () => ({
      // The dev server would otherwise bundle the whole package ahead of time.
      optimizeDeps: { exclude: [PACKAGE], include: ['@huggingface/tokenizers'] },
    }),
    resolveId(id, importer) {
      if (FORBIDDEN.test(id))
        throw new Error(`${importer ?? 'entry'} imports ${id}, which must not be shipped`)
      if (id === PACKAGE) return VIRTUAL
      if (id.endsWith(SCRIPT) && importer !== undefined) return resolve(dirname(importer), id)
      if (importer !== VIRTUAL) return null
      if (STUBBED.has(id)) return STUB
      return id.startsWith('.') ? resolve(dirname(SOURCE), id) : null
    },
    async load(id) {
      if (id === VIRTUAL) return readFile(SOURCE, 'utf8')
      if (id === STUB) return STUB_CODE
      if (!id.endsWith(SCRIPT)) return null
      const entry = id.slice(0, -SCRIPT.length)
      this.addWatchFile(entry)
      return bundleScript(entry)
    },
  }
}
