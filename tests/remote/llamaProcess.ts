/** A real llama.cpp server, where one is named, and a tap that records what it sends. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import { createServer as createPort, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { engineCommand } from '../../scripts/engine.mjs'
import { SHARED, WITHOUT_SHARED } from '../text/shared.ts'
import { eventually } from './collect.ts'

const SERVER = process.env['LLAMA_SERVER'] ?? ''
const WORKER = join(dirname(SERVER), 'ggml-rpc-server')
/** An adapter of the model, as GGUF. */
export const LORA = process.env['LLAMA_LORA'] ?? ''
const MODEL = join(SHARED, 'models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf')

export const WITHOUT_SERVER =
  SERVER === ''
    ? 'skipped: LLAMA_SERVER does not name the server of llama.cpp'
    : existsSync(SERVER)
      ? WITHOUT_SHARED
      : 'skipped: LLAMA_SERVER names no file'
export const WITHOUT_LORA =
  WITHOUT_SERVER || (LORA === '' ? 'skipped: LLAMA_LORA does not name an adapter of the model as GGUF' : '')
export const WITHOUT_WORKERS =
  WITHOUT_SERVER || (existsSync(WORKER) ? '' : 'skipped: no ggml-rpc-server beside the server')

export interface Running {
  url: string
}

/** What was started and not yet ended, the newest last. */
const started: (() => Promise<void>)[] = []

/** Ends everything that was started, whatever has happened since. */
export async function stopAll(): Promise<void> {
  for (const stop of started.splice(0).toReversed()) await stop()
}

async function freePort(): Promise<number> {
  const probe = createPort().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Starts the server as `npm run engine` does, and waits until its model is there. */
export async function startLlama(options: readonly string[] = []): Promise<Running> {
  const port = String(await freePort())
  const { server, flags, url } = engineCommand([
    SERVER,
    MODEL,
    '--port',
    port,
    '--context',
    '512',
    ...options,
  ])
  const child = spawn(server, flags, { stdio: 'ignore' })
  started.push(() => end(child))
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => null)
    if (health?.ok) return { url }
    if (child.exitCode !== null)
      throw new Error(`the server ended with ${child.exitCode}: ${flags.join(' ')}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Starts workers of a split model. @returns them as `--rpc` names them */
export async function startWorkers(count: number): Promise<string> {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  for (const port of ports) {
    const child = spawn(WORKER, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
    started.push(() => end(child))
  }
  return ports.map((port) => `127.0.0.1:${port}`).join(',')
}

/** Stands before a server and records the events it streams; one address may be hidden. */
export async function startTap(
  target: string,
  hidden?: string,
): Promise<Running & { events: Record<string, unknown>[] }> {
  const events: Record<string, unknown>[] = []
  const server = createServer((request, response) => {
    const { method, headers, url = '' } = request
    if (url === hidden) {
      response.writeHead(404).end('{}')
      return
    }
    const passed = send(target + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      let text = ''
      answer.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        response.write(chunk)
      })
      answer.on('end', () => {
        response.end()
        const lines = Buffer.from(text, 'latin1').toString('utf8').split('\n')
        const sent = lines.filter((line) => line.startsWith('data: {')).map((line) => line.slice(6))
        events.push(...sent.map((line) => JSON.parse(line) as Record<string, unknown>))
      })
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  started.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${port}`, events }
}

export interface Slot {
  is_processing: boolean
  /** Absent until the slot has had a task. */
  next_token?: { n_decoded: number }[]
}

export async function slotsOf(url: string): Promise<Slot[]> {
  return (await (await fetch(`${url}/slots`)).json()) as Slot[]
}

/** Waits until the server works on nothing. */
export function idle(url: string): Promise<void> {
  return eventually(async () => {
    const slots = await slotsOf(url)
    if (slots.some((slot) => slot.is_processing)) throw new Error('the server is busy')
  })
}

export async function post(url: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
  return (await response.json()) as Record<string, unknown>
}
