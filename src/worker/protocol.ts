import type { ErrorData } from '../errors.ts'
import type { SurfaceName } from './surfaces.ts'

/** A method to be run on an object of the worker. */
export interface Call {
  surface: SurfaceName
  /** Number the worker gave the object. */
  object: number
  method: string
  args: readonly unknown[]
  /** Members of the last argument that stay on the page, since no message carries them: callbacks and `signal`. */
  wired: readonly string[]
}

/** Page → worker. `run` numbers a request; answers carry it, so late ones are known and dropped. */
export type ToWorker =
  | ({ type: 'call'; run: number } & Call)
  /** Aborts the signal of a run, or leaves a stream that has none. */
  | { type: 'abort'; run: number }
  /** The last piece of a paced stream was taken: the next one may be made. */
  | { type: 'next'; run: number }
  | { type: 'ping'; run: number }
  /** Destroys the GPU device, as a driver reset would: for fault tests. */
  | { type: 'lose-device'; run: number }

/** An object that a `handle` method opened, and the members of it that are plain data. */
export interface OpenedHandle {
  object: number
  data: Readonly<Record<string, unknown>>
}

/** Worker → page. */
export type FromWorker =
  | { type: 'result'; run: number; value: unknown }
  | ({ type: 'handle'; run: number } & OpenedHandle)
  | { type: 'item'; run: number; item: unknown }
  | { type: 'done'; run: number }
  | { type: 'callback'; run: number; name: string; args: readonly unknown[] }
  | { type: 'error'; run: number; error: ErrorData }
  | { type: 'pong'; run: number }
  /** A fault outside any run. */
  | { type: 'fault'; error: ErrorData }
