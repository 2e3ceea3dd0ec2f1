import { PreTrainedTokenizer } from '@xenova/transformers'
import { createEncoder, probePattern, type Encode } from './encoder.ts'
import type { SandboxReply, SandboxRequest } from './sandbox.ts'

/** Characters a template may produce. */
const MAX_OUTPUT = 4 * 2 ** 20

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

function render({ template, config, messages }: Extract<SandboxRequest, { kind: 'render' }>): SandboxReply {
  const parts = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
  }
  const file = { ...parts, model: { type: 'BPE', vocab: {}, merges: [] } }
  const tokenizer = new PreTrainedTokenizer(file, { ...config, chat_template: template })
  const text = tokenizer.apply_chat_template([...messages], { tokenize: false, add_generation_prompt: true })
  if (text.length > MAX_OUTPUT)
    return { status: 'failed', message: `its output is longer than ${MAX_OUTPUT} characters` }
  return { status: 'text', text }
}

function answer(request: SandboxRequest): SandboxReply {
  switch (request.kind) {
    case 'render':
      return render(request)
    case 'probe':
      probePattern(request.pattern)
      return { status: 'done' }
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
