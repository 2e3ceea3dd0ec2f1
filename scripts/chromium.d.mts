/** Flags for a headless Chromium with WebGPU that talks to nobody by itself. */
export const CHROMIUM_FLAGS: readonly string[]

/** Path of a Chromium that runs, or null. */
export function findChromium(): Promise<string | null>
