import { identify } from '../engine/identify.ts'

/** The trace file among dropped or chosen files; null when there is none. */
export async function traceAmong(files: readonly File[]): Promise<File | null> {
  const kinds = await Promise.all(files.map((file) => identify([file])))
  return files[kinds.indexOf('trace')] ?? null
}
