/**
 * Every tensor type of ggml that a GGUF file may name, with its id, the weights of a block and the bytes they take
 * (source: ggml's `enum ggml_type` and block structs). `blockBytes` null: the type was taken out of the format.
 */
const RECORDS = [
  { id: 0, name: 'F32', blockElements: 1, blockBytes: 4 },
  { id: 1, name: 'F16', blockElements: 1, blockBytes: 2 },
  { id: 2, name: 'Q4_0', blockElements: 32, blockBytes: 18 },
  { id: 3, name: 'Q4_1', blockElements: 32, blockBytes: 20 },
  { id: 4, name: 'Q4_2', blockElements: 16, blockBytes: null },
  { id: 5, name: 'Q4_3', blockElements: 16, blockBytes: null },
  { id: 6, name: 'Q5_0', blockElements: 32, blockBytes: 22 },
  { id: 7, name: 'Q5_1', blockElements: 32, blockBytes: 24 },
  { id: 8, name: 'Q8_0', blockElements: 32, blockBytes: 34 },
  { id: 9, name: 'Q8_1', blockElements: 32, blockBytes: 36 },
  { id: 10, name: 'Q2_K', blockElements: 256, blockBytes: 84 },
  { id: 11, name: 'Q3_K', blockElements: 256, blockBytes: 110 },
  { id: 12, name: 'Q4_K', blockElements: 256, blockBytes: 144 },
  { id: 13, name: 'Q5_K', blockElements: 256, blockBytes: 176 },
  { id: 14, name: 'Q6_K', blockElements: 256, blockBytes: 210 },
  { id: 15, name: 'Q8_K', blockElements: 256, blockBytes: 292 },
  { id: 16, name: 'IQ2_XXS', blockElements: 256, blockBytes: 66 },
  { id: 17, name: 'IQ2_XS', blockElements: 256, blockBytes: 74 },
  { id: 18, name: 'IQ3_XXS', blockElements: 256, blockBytes: 98 },
  { id: 19, name: 'IQ1_S', blockElements: 256, blockBytes: 50 },
  { id: 20, name: 'IQ4_NL', blockElements: 32, blockBytes: 18 },
  { id: 21, name: 'IQ3_S', blockElements: 256, blockBytes: 110 },
  { id: 22, name: 'IQ2_S', blockElements: 256, blockBytes: 82 },
  { id: 23, name: 'IQ4_XS', blockElements: 256, blockBytes: 136 },
  { id: 24, name: 'I8', blockElements: 1, blockBytes: 1 },
  { id: 25, name: 'I16', blockElements: 1, blockBytes: 2 },
  { id: 26, name: 'I32', blockElements: 1, blockBytes: 4 },
  { id: 27, name: 'I64', blockElements: 1, blockBytes: 8 },
  { id: 28, name: 'F64', blockElements: 1, blockBytes: 8 },
  { id: 29, name: 'IQ1_M', blockElements: 256, blockBytes: 56 },
  { id: 30, name: 'BF16', blockElements: 1, blockBytes: 2 },
  { id: 31, name: 'Q4_0_4_4', blockElements: 32, blockBytes: null },
  { id: 32, name: 'Q4_0_4_8', blockElements: 32, blockBytes: null },
  { id: 33, name: 'Q4_0_8_8', blockElements: 32, blockBytes: null },
  { id: 34, name: 'TQ1_0', blockElements: 256, blockBytes: 54 },
  { id: 35, name: 'TQ2_0', blockElements: 256, blockBytes: 66 },
  { id: 36, name: 'IQ4_NL_4_4', blockElements: 32, blockBytes: null },
  { id: 37, name: 'IQ4_NL_4_8', blockElements: 32, blockBytes: null },
  { id: 38, name: 'IQ4_NL_8_8', blockElements: 32, blockBytes: null },
  { id: 39, name: 'MXFP4', blockElements: 32, blockBytes: 17 },
  { id: 40, name: 'NVFP4', blockElements: 64, blockBytes: 36 },
  { id: 41, name: 'Q1_0', blockElements: 128, blockBytes: 18 },
] as const

export type GgmlTypeName = (typeof RECORDS)[number]['name']

export interface GgmlType {
  /** As the file writes it. */
  readonly id: number
  readonly name: GgmlTypeName
  /** Weights of one block, neighbours in a row. */
  readonly blockElements: number
  readonly blockBytes: number | null
}

export const GGML_TYPES: readonly GgmlType[] = RECORDS

const BY_ID = new Map(GGML_TYPES.map((type) => [type.id, type]))
const BY_NAME = new Map(GGML_TYPES.map((type) => [type.name, type]))

/** The type of an id, undefined for an id that no version of the format gave out. */
export function ggmlTypeById(id: number): GgmlType | undefined {
  return BY_ID.get(id)
}

export function ggmlType(name: GgmlTypeName): GgmlType {
  const type = BY_NAME.get(name)
  if (!type) throw new Error(`invariant: ${name} is a ggml type`)
  return type
}

/** Bytes of `elements` weights, whole blocks only. */
export function ggmlBytes(name: GgmlTypeName, elements: number): number {
  const { blockElements, blockBytes } = ggmlType(name)
  if (blockBytes === null || elements % blockElements !== 0)
    throw new Error(`invariant: ${elements} weights are whole blocks of ${name}`)
  return (elements / blockElements) * blockBytes
}
