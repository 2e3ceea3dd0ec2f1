import { fromErrorData, TokenscopeError } from '../errors.ts'
import type {
  AnswerOf,
  Arguments,
  TokenizerMethod,
  TokenizerReply,
  TokenizerRequest,
} from './tokenizerProtocol.ts'

/** Milliseconds a call may take before its thread is ended: a foreign pattern may never finish. */
const LIMIT = 30_000

interface PendingAnswer {
  /** Takes the reply of its own method. */
  resolve: (answer: never) => void
  reject: (error: Error) => void
}

/** The page's side of a thread that takes texts apart. What hangs is ended there; the next call starts another. */
export class TokenizerClient {
  readonly #start: () => Worker
  readonly #waiting = new Map<number, PendingAnswer>()
  /** Files of the tokenizers that are open, for another thread. */
  readonly #files = new Map<string, ReadonlyMap<string, Uint8Array>>()
  #worker: Worker | null = null
  #run = 0

  constructor(
    start = () => new Worker(new URL('./tokenizer.worker.ts', import.meta.url), { type: 'module' }),
  ) {
    this.#start = start
  }

  async open(slot: string, files: ReadonlyMap<string, Uint8Array>): Promise<AnswerOf<'open'>> {
    this.#files.delete(slot)
    const facts = await this.call('open', slot, { files })
    this.#files.set(slot, files)
    return facts
  }

  /** Throws what the tokenizer throws; `unsupported` when it takes too long. */
  call<M extends TokenizerMethod>(method: M, slot: string, args: Arguments<M>): Promise<AnswerOf<M>> {
    this.#worker ??= this.#begin()
    return this.#ask(method, slot, args)
  }

  dispose(): void {
    this.#end(new TokenscopeError('aborted', 'The tokenizer view was closed.'))
  }

  /** Another thread, which opens what the one before had open ahead of all else it is asked. */
  #begin(): Worker {
    const worker = this.#start()
    worker.addEventListener('message', ({ data }: MessageEvent<TokenizerReply>) => this.#receive(data))
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      const reason = event.message || 'it did not start'
      this.#end(new TokenscopeError('unsupported', `The tokenizer's thread failed: ${reason}.`))
    })
    for (const [slot, files] of this.#files) {
      // No call waits for these; the next call to one that failed to open says so.
      const request: TokenizerRequest = { run: 0, slot, method: 'open', args: { files } }
      worker.postMessage(request)
    }
    return worker
  }

  #ask<M extends TokenizerMethod>(method: M, slot: string, args: Arguments<M>): Promise<AnswerOf<M>> {
    const run = ++this.#run
    const timer = setTimeout(() => {
      this.#end(
        new TokenscopeError(
          'unsupported',
          `The tokenizer took longer than ${LIMIT / 1000} s and was stopped.`,
          {
            hint: 'Shorten the text.',
          },
        ),
      )
    }, LIMIT)
    const answered = new Promise<AnswerOf<M>>((resolve, reject) => {
      this.#waiting.set(run, { resolve, reject })
    })
    this.#worker?.postMessage({ run, slot, method, args })
    return answered.finally(() => clearTimeout(timer))
  }

  #receive(reply: TokenizerReply): void {
    const waiting = this.#waiting.get(reply.run)
    this.#waiting.delete(reply.run)
    if ('error' in reply) waiting?.reject(fromErrorData(reply.error))
    else waiting?.resolve(reply.answer as never)
  }

  #end(error: TokenscopeError): void {
    this.#worker?.terminate()
    this.#worker = null
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}
