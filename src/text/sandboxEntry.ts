import { createEncoder, probePattern, type Encode } from './encoder.ts'
import { describeTemplate } from './jinja/describe.ts'
import { renderChat } from './jinja/chat.ts'
import { TemplateFault } from './jinja/values.ts'
import { matchNames } from './matchNames.ts'
import type { SandboxReply, SandboxRequest } from './sandbox.ts'

interface Port {
  post(message: unknown): void
  listen(handler: (request: SandboxRequest) => void): void
}

function openPort(): Port {
  if (typeof self !== 'undefined' && typeof self.postMessage === 'function') {
    return {
      post: (message) => self.postMessage(message),
      listen: (handler) => {
        self.addEventListener('message', (event: MessageEvent<SandboxRequest>) => handler(event.data))
      },
    }
  }
  const parent = process.getBuiltinModule('node:worker_threads').parentPort
  return {
    post: (message) => parent?.postMessage(message),
    listen: (handler) => parent?.on('message', handler),
  }
}

let encode: Encode | undefined

/** Answers with what a template gives, or with what is wrong with it. */
function onTemplate(work: () => SandboxReply): SandboxReply {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    return { status: 'fault', kind: error.kind, message: error.message, line: error.line }
  }
}

function answer(request: SandboxRequest): SandboxReply {
  switch (request.kind) {
    case 'render':
      return onTemplate(() => ({ status: 'text', text: renderChat(request.chat) }))
    case 'describe':
      return onTemplate(() => ({ status: 'reads', reads: describeTemplate(request.template) }))
    case 'probe':
      probePattern(request.pattern)
      return { status: 'done' }
    case 'match':
      return { status: 'matches', results: matchNames(request.patterns, request.texts) }
    case 'load':
      encode = createEncoder(request.file)
      return { status: 'done' }
    case 'encode':
      if (encode === undefined) return { status: 'failed', message: 'no tokenizer is loaded' }
      return { status: 'ids', ids: encode(request.text, request.options) }
  }
}

const port = openPort()
port.listen((request) => {
  let reply: SandboxReply
  try {
    reply = answer(request)
  } catch (error) {
    reply = { status: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
  port.post(reply)
})
port.post('ready')
