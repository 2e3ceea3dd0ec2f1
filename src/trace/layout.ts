/**
 * A trace file, all numbers little-endian:
 *
 *     0   8 bytes  magic: 89 'T' 'S' 'C' 0D 0A 1A 0A (broken by any transfer that treats it as text)
 *     8   u32      version of the format
 *     12  u32      bytes of the header as stored
 *     16  u32      bytes of the header unpacked
 *     20  u32      CRC-32 of the header as stored
 *     24           the header: JSON, UTF-8, raw deflate (RFC 1951)
 *     …            the tensors, one behind another in the order of the header's list, up to the end of the file
 *
 * A tensor is stored `raw` (f32) or as `planes`: all lowest bytes, then all second ones, and so on, deflated. Neighbouring values share
 * sign and exponent, which lie together that way.
 */
export const MAGIC: readonly number[] = [0x89, 0x54, 0x53, 0x43, 0x0d, 0x0a, 0x1a, 0x0a]
export const VERSION = 2
export const PRELUDE = 24
export const EXTENSION = '.tokenscope'

/** Largest file opened, header unpacked, and tensor unpacked: what a page can hold without being ended for it. */
export const LIMITS = { file: 1 << 30, header: 1 << 26, tensor: 1 << 29 } as const

/** Deflate packs no tighter than this (its longest match is 258 bytes for two bits): more is a lie. */
export const TIGHTEST = 1032

export type Coding = 'raw' | 'planes'
