import type { AdapterReport } from '../api/adapters.ts'

/** The report of an adapter that came from no files, or from files that lie elsewhere. */
export function blankReport(name: string): AdapterReport {
  return {
    name,
    matched: [],
    replaced: [],
    matchedKeys: 0,
    unmatchedEntries: [],
    baseModel: { named: null, loaded: null, matches: null },
    bytes: 0,
    parameters: 0,
    features: [],
    warnings: [],
    effect: null,
  }
}
