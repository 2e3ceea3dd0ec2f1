import { TokenscopeError, throwIfAborted } from '../../errors.ts'
import type { HubFile } from '../hubApi.ts'
import type { OpenFile } from './folder.ts'
import { hex, Sha256 } from './sha256.ts'

/** A kept file is checked by blocks of this size whenever it is read: what is damaged is found, and only that is fetched again. */
export const BLOCK_BYTES = 1024 * 1024
const DIGEST_BYTES = 32

export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** The digest of block `n` among all. */
export const blockDigest = (digests: Uint8Array, n: number): Uint8Array =>
  digests.subarray(n * DIGEST_BYTES, (n + 1) * DIGEST_BYTES)

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i])

/** SHA-1 as Git names a content: of a header and the bytes. */
async function gitName(bytes: Uint8Array): Promise<string> {
  const header = new TextEncoder().encode(`blob ${bytes.byteLength}\0`)
  const blob = new Uint8Array(header.length + bytes.byteLength)
  blob.set(header)
  blob.set(bytes, header.length)
  return hex(await crypto.subtle.digest('SHA-1', blob))
}

/** Files that lie in Git itself are small. */
const MAX_GIT_BYTES = 128 * 1024 * 1024

/**
 * Reads a whole file once and holds it against what the hub says of it. Resolves to the digests of its blocks, or to null when it
 * is not the file.
 */
export async function checkFile(
  open: OpenFile,
  { bytes, sha256, oid }: HubFile,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  const count = Math.ceil(bytes / BLOCK_BYTES)
  const digests = new Uint8Array(count * DIGEST_BYTES)
  const fileHash = sha256 === null ? null : new Sha256()
  const small = sha256 === null && oid !== null && bytes <= MAX_GIT_BYTES ? new Uint8Array(bytes) : null
  for (let n = 0; n < count; n++) {
    throwIfAborted(signal)
    const block = new Uint8Array(Math.min(BLOCK_BYTES, bytes - n * BLOCK_BYTES))
    if (open.read(block, { at: n * BLOCK_BYTES }) !== block.byteLength) return null
    fileHash?.update(block)
    small?.set(block, n * BLOCK_BYTES)
    digests.set(await digestOf(block), n * DIGEST_BYTES)
  }
  if (fileHash && fileHash.digest() !== sha256) return null
  if (small && (await gitName(small)) !== oid) return null
  return digests
}

export function otherContent({ name, sha256, oid }: HubFile): TokenscopeError {
  return new TokenscopeError(
    'network',
    `${name} arrived twice with another content than the hub says it has.`,
    {
      hint: 'A proxy may change it on the way, or the mirror is not to be trusted. Nothing of it was kept.',
      details: {
        file: name,
        field: sha256 === null ? 'oid' : 'sha256',
        got: 'other bytes',
        expected: sha256 ?? oid,
      },
    },
  )
}
