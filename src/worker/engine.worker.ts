import { EngineHost } from './host.ts'
import type { ToWorker } from './protocol.ts'

// A worker's own postMessage takes no origin, unlike the window's that the DOM types describe here.
const host = new EngineHost((message, transfer) => self.postMessage(message, { transfer: transfer ?? [] }))
self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => host.receive(data))
