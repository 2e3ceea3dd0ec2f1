/** Flags for a headless Chromium with WebGPU that makes no request of its own. */
export const CHROMIUM_FLAGS: readonly string[]

/** Path of a Chromium that runs, or null. */
export function findChromium(): Promise<string | null>
