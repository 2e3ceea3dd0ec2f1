import { toErrorData } from '../errors.ts'
import { TokenizerHost } from './tokenizerHost.ts'
import type { TokenizerReply, TokenizerRequest } from './tokenizerProtocol.ts'

const host = new TokenizerHost()

/** One call after the other, in the order they came. */
let turn: Promise<void> = Promise.resolve()

self.addEventListener('message', ({ data }: MessageEvent<TokenizerRequest>) => {
  turn = turn.then(async () => {
    const { run } = data
    const reply: TokenizerReply = await host.answer(data).then(
      (answer) => ({ run, answer }),
      (error: unknown) => ({ run, error: toErrorData(error) }),
    )
    self.postMessage(reply)
  })
})
