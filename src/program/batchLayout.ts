/** Positions of a page of the cache; the same number stands in the kernels. */
export const PAGE = 32

/** Most adapters that can be loaded at once. */
export const MAX_ADAPTERS = 8

/** Place of the edits' strength among a row's scales, behind those of the adapters. */
export const EDIT_SLOT = MAX_ADAPTERS
