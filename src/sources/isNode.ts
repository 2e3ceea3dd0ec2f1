/** True where Node's modules exist. */
export function isNode(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string'
}
