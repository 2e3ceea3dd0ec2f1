import { describe, expect, test } from 'vitest'
import { engineCommand } from '../../scripts/engine.mjs'

/** Files that are there: what they hold is the server's business. */
const SERVER = import.meta.filename
const MODEL = import.meta.filename

describe('npm run engine', () => {
  test('listens on the loopback, for pages of this machine', () => {
    const { flags, url } = engineCommand([SERVER, MODEL])
    expect(url).toBe('http://127.0.0.1:8080')
    expect(flags.join(' ')).toContain('--host 127.0.0.1 --port 8080')
    expect(flags.join(' ')).toContain('--cors-origins localhost')
  })

  test('passes workers, adapters and sizes on', () => {
    const asked = [
      '--rpc',
      'one:1,two:2',
      '--lora',
      MODEL,
      '--parallel',
      '2',
      '--context',
      '64',
      '--port',
      '9',
    ]
    const flags = engineCommand([SERVER, MODEL, ...asked]).flags.join(' ')
    expect(flags).toContain('--rpc one:1,two:2 --n-gpu-layers 99')
    expect(flags).toContain(`--lora ${MODEL}`)
    expect(flags).toContain('--parallel 2 --ctx-size 128')
  })

  test.each([
    [[], 'The server is missing'],
    [[SERVER], 'The model is missing'],
    [[SERVER, 'nowhere.gguf'], 'The model is not at nowhere.gguf'],
    [[SERVER, MODEL, '--rpc', 'host'], '--rpc got host'],
    [[SERVER, MODEL, '--port', 'x'], '--port got x'],
    [[SERVER, MODEL, '--unknown'], 'unknown'],
  ])('%j: %s', (args, message) => {
    expect(() => engineCommand(args)).toThrow(message)
  })
})
