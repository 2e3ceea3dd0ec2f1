/** Runs work that holds the device's inspections and swaps of adapters off. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>
