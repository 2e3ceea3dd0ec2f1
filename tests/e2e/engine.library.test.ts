import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const execute = promisify(execFile)

test('the built library answers in plain Node', async () => {
  const script = `
    import { loadModel, TokenscopeError } from './dist/lib/index.js'
    const model = await loadModel('tales-3m')
    let text = ''
    for await (const token of model.generate('Long ago', { temperature: 0, maxTokens: 8 })) text += token.text
    const { shape } = await model.logits(await model.encode('Long ago'))
    await model.dispose()
    const { code } = await loadModel('no-such-model').catch((error) => error)
    console.log(JSON.stringify({ text, shape, code, memory: await model.memory(), typed: typeof TokenscopeError }))
    process.exit(0)`
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', script], { cwd: root })
  const said = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>
  expect(said['text']).toMatch(/\w+ \w+/)
  expect(said['shape']).toEqual([expect.any(Number), 4608])
  expect(['bad-argument', 'network', 'bad-file']).toContain(said['code'])
  expect(said).toMatchObject({ memory: { gpuBytes: 0, buffers: 0 }, typed: 'function' })
})

test('its types are usable, under strict settings', async () => {
  const folder = await mkdtemp(resolve(root, '.cache/types-'))
  try {
    await writeFile(
      resolve(folder, 'use.ts'),
      `import { loadModel, TokenscopeError, type GeneratedToken, type Model } from '../../dist/lib/index.js'
       export async function use(): Promise<string> {
         const model: Model = await loadModel('id', { weights: 'q8_0', onProgress: ({ stage }) => void stage })
         const seen: GeneratedToken[] = []
         for await (const token of model.generate([1], { temperature: 0 })) seen.push(token)
         const { shape, data }: { shape: readonly number[]; data: Float32Array } = await model.logits([1])
         // @ts-expect-error a format that does not exist
         await loadModel('id', { weights: 'q3_k' })
         if (new Error() instanceof TokenscopeError) return ''
         return String(shape.length + data.length + seen.length)
       }`,
    )
    const config = {
      compilerOptions: {
        target: 'ES2023',
        lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable', 'ESNext.Disposable'],
        module: 'NodeNext',
        moduleResolution: 'NodeNext',
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        // WebGPU's own types come with the DOM's.
        types: [],
      },
      files: ['use.ts'],
    }
    await writeFile(resolve(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = resolve(root, 'node_modules/typescript/bin/tsc')
    const result = await execute(process.execPath, [compiler, '-p', folder]).catch(
      (error: { stdout: string }) => error,
    )
    expect(result.stdout).toBe('')
  } finally {
    await rm(folder, { recursive: true })
  }
})
