/** A GGUF file among several of one model. */
export interface GgufCandidate {
  readonly name: string
  readonly bytes: number
}

/** Kinds as files are named by them, the closest to the original first. What is not here is never chosen unasked. */
const BY_QUALITY = [
  'Q8_0',
  'Q6_K',
  'Q5_K_M',
  'Q5_K_S',
  'Q5_0',
  'Q4_K_M',
  'Q4_K_S',
  'Q4_0',
  'IQ4_NL',
  'IQ4_XS',
  'MXFP4',
  'Q3_K_M',
] as const

/** Up to this size the closest kind is chosen; of larger models the one that most people use. */
const EASY_BYTES = 1024 ** 3
const USUAL = 'Q4_K_M'

/** The kind in a file's name, in capitals, such as `Q4_K_M`; null when it names none. */
export function ggufKind(name: string): string | null {
  return (
    /(?:^|[-._/])((?:IQ|Q)\d[A-Z0-9_]*|MXFP4|BF16|F16|F32)(?=[-./]|$)/i
      .exec(name.replace(/\.gguf$/i, ''))?.[1]
      ?.toUpperCase() ?? null
  )
}

/**
 * The file that serves best where several hold the same model: the closest to the original that takes at most 1 GiB and `mostBytes`,
 * else the usual four-bit one, else the smallest.
 */
export function bestGguf(files: readonly GgufCandidate[], mostBytes = Infinity): string | null {
  const rank = ({ name }: GgufCandidate): number =>
    BY_QUALITY.indexOf(ggufKind(name) as (typeof BY_QUALITY)[number])
  const recognised = files.filter((file) => rank(file) >= 0).toSorted((a, b) => rank(a) - rank(b))
  const fitting = recognised.filter(({ bytes }) => bytes <= mostBytes)
  const easy = fitting.find(({ bytes }) => bytes <= EASY_BYTES)
  const usual = fitting.find(({ name }) => ggufKind(name) === USUAL)
  const smallest = (recognised.length > 0 ? recognised : files).toSorted((a, b) => a.bytes - b.bytes)[0]
  return (easy ?? usual ?? fitting.at(-1) ?? smallest)?.name ?? null
}
