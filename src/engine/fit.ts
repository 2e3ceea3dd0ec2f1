import type { Fit, FitOption, FitVerdict, MachineLimits } from '../api/source.ts'
import type { Footprint, FootprintRequest } from './footprint.ts'

const GIB = 1024 ** 3
/** Safari on iOS ends a tab that comes near this, whatever the device has. */
const IOS_BYTES = 1.5e9
/** Share of the memory that a tab may be expected to get for the GPU, where both are one. */
const SHARE = 0.6
const MOBILE_SHARE = 0.4
/** Browsers tell at most this of the memory, and some nothing. */
const TOLD_AT_MOST = 8 * GIB
const SHORTER = [2048, 1024, 512]

interface Browser {
  readonly userAgent?: string
  readonly maxTouchPoints?: number
  /** GiB, rounded by the browser. */
  readonly deviceMemory?: number
}

/** Bytes that a tab may be expected to have for a model on this machine. */
export function memoryLimit(browser: Browser = typeof navigator === 'undefined' ? {} : navigator): number {
  const { userAgent = '', maxTouchPoints = 0, deviceMemory } = browser
  const isIos = /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)
  if (isIos) return IOS_BYTES
  const memory = deviceMemory === undefined ? TOLD_AT_MOST : deviceMemory * GIB
  return Math.round(memory * (/Android|Mobile/.test(userAgent) ? MOBILE_SHARE : SHARE))
}

/** The limits of the adapter that a model would be loaded on; null where none is to be had. */
export async function adapterLimits(): Promise<MachineLimits | null> {
  if (typeof navigator === 'undefined' || !('gpu' in navigator)) return null
  const gpu = navigator.gpu as GPU | undefined
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) return null
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits
  return { maxBufferSize, maxStorageBufferBindingSize }
}

const gb = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`

export interface FitRequest {
  readonly asked: FootprintRequest
  /** True when quantising while loading can make it smaller. */
  readonly isFloat: boolean
  readonly limits: MachineLimits | null
  readonly measure: (request: FootprintRequest) => Pick<Footprint, 'total' | 'largestBuffer'>
}

/** Weighs the ways to load a model against the machine, the one asked for first. */
export function judgeFit({ asked, isFloat, limits, measure }: FitRequest): Fit {
  const limitBytes = limits?.memoryBytes ?? memoryLimit()
  const bufferBytes = Math.min(
    limits?.maxBufferSize ?? Infinity,
    limits?.maxStorageBufferBindingSize ?? Infinity,
  )
  const weigh = (request: FootprintRequest): FitOption => {
    const { total, largestBuffer } = measure(request)
    const fits = total <= limitBytes && largestBuffer <= bufferBytes
    const { weights, context, kvCache } = request
    return { weights, kvCache, contextLength: context, gpuBytes: total, fits }
  }
  const first = weigh(asked)
  const shorter = SHORTER.filter((context) => context < asked.context)
  const quantised = isFloat && asked.weights !== 'q4_0'
  const formats = quantised ? [asked.weights, 'q4_0' as const] : [asked.weights]
  const contexts = [asked.context, ...shorter]
  // Quantised at the full context comes before a shorter one.
  const others = formats.flatMap((weights) =>
    contexts.slice(weights === asked.weights ? 1 : 0).map((context) => weigh({ ...asked, weights, context })),
  )
  const atFull = others.filter(({ contextLength }) => contextLength === asked.context)
  const options = [first, ...atFull, ...others.filter((option) => !atFull.includes(option))]
  const load = options.find(({ fits }) => fits) ?? null
  const verdict = verdictOf(load, asked)
  return {
    gpuBytes: first.gpuBytes,
    limitBytes,
    fits: first.fits,
    verdict,
    why: reason(verdict, { first, load, options, limitBytes }),
    load,
    options,
  }
}

function verdictOf(load: FitOption | null, asked: FootprintRequest): FitVerdict {
  if (load === null) return 'does-not-fit'
  if (load.contextLength < asked.context) return 'shorter-context'
  return load.weights === asked.weights ? 'fits' : 'fits-q4_0'
}

interface Weighed {
  readonly first: FitOption
  readonly load: FitOption | null
  readonly options: readonly FitOption[]
  readonly limitBytes: number
}

function reason(verdict: FitVerdict, { first, load, options, limitBytes }: Weighed): string {
  const room = `of about ${gb(limitBytes)} that a tab may use here`
  const needs = `It takes ${gb(first.gpuBytes)} at ${first.contextLength} tokens`
  const instead = load ? `${gb(load.gpuBytes)} ${room}` : ''
  switch (verdict) {
    case 'fits':
      return `${needs}, ${room}.`
    case 'fits-q4_0':
      return `${needs}, too much here; with q4_0 ${instead}.`
    case 'shorter-context': {
      const format = load?.weights === first.weights ? '' : ' and q4_0'
      return `${needs}, too much here; with ${load?.contextLength} tokens${format} ${instead}.`
    }
    case 'does-not-fit': {
      const least = Math.min(...options.map(({ gpuBytes }) => gpuBytes))
      return `It takes ${gb(least)} at the least, more than the about ${gb(limitBytes)} that a tab may use here.`
    }
    case 'unsupported':
      return ''
  }
}

/** Of what cannot be run whatever the machine has. */
export function unfit(why: string, limitBytes: number): Fit {
  return { gpuBytes: 0, limitBytes, fits: false, why, verdict: 'unsupported', load: null, options: [] }
}
