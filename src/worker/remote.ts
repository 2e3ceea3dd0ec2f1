import type { Call, OpenedHandle } from './protocol.ts'
import { SURFACES, type Faces, type SurfaceName } from './surfaces.ts'

/** A call on its way, with what stays on the page. */
export interface Request extends Call {
  readonly callbacks: ReadonlyMap<string, (...args: readonly unknown[]) => unknown>
  readonly signal: AbortSignal | undefined
  readonly transfer: Transferable[]
}

/** Carries calls to the worker and their answers back. */
export interface WorkerLink {
  call(request: Request): Promise<unknown>
  open(request: Request): Promise<OpenedHandle>
  /** `paced`: nothing runs ahead of what is taken. */
  stream(request: Request, paced: boolean): AsyncIterable<unknown>
}

/** An object of the worker, with the interface it has there. */
export function remote<S extends SurfaceName>(
  link: WorkerLink,
  surface: S,
  { object, data }: OpenedHandle,
): Faces[S] {
  const { methods, opens } = SURFACES[surface]
  const members = Object.entries(methods).map(([method, kind]) => {
    const request = (args: readonly unknown[]): Request => ({ surface, object, method, ...wire(args) })
    switch (kind) {
      case 'call':
        return [method, (...args: unknown[]) => link.call(request(args))]
      case 'stream':
      case 'paced':
        return [method, (...args: unknown[]) => link.stream(request(args), kind === 'paced')]
      case 'handle':
        return [
          method,
          async (...args: unknown[]) => opens && remote(link, opens, await link.open(request(args))),
        ]
    }
  })
  // The surface lists every member of the interface; its methods have the types that the worker's own have.
  return { ...data, ...Object.fromEntries(members) } as Faces[S]
}

/** Arguments as a message carries them, and apart from them what it cannot carry. */
function wire(args: readonly unknown[]): Omit<Request, keyof Call> & Pick<Call, 'args' | 'wired'> {
  const callbacks = new Map<string, (...args: readonly unknown[]) => unknown>()
  let signal: AbortSignal | undefined
  const options = args.at(-1)
  const plain: Record<string, unknown> = {}
  const wired: string[] = []
  for (const [name, value] of isOptions(options) ? Object.entries(options) : []) {
    if (value instanceof AbortSignal) signal = value
    else if (typeof value === 'function')
      callbacks.set(name, (...given) => Reflect.apply(value, options, given))
    else {
      plain[name] = value
      continue
    }
    wired.push(name)
  }
  return {
    args: wired.length > 0 ? [...args.slice(0, -1), plain] : args,
    wired,
    callbacks,
    signal,
    transfer: args.filter(isCanvas),
  }
}

function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A canvas can only be moved: it then draws what the worker puts there. */
function isCanvas(value: unknown): value is OffscreenCanvas {
  return typeof OffscreenCanvas !== 'undefined' && value instanceof OffscreenCanvas
}
