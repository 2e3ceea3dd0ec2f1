import { TokenscopeError } from '../../errors.ts'
import type { ArchitectureFields } from './archFields.ts'

/** Values of the tensors by which rotary frequencies are divided, null where the file has none. */
export interface RopeFactors {
  /** `rope_freqs.weight`. */
  freqs: Float32Array | null
  /** `rope_factors_long.weight` and `rope_factors_short.weight`. */
  long: Float32Array | null
  short: Float32Array | null
}

interface Rotary {
  theta: number
  /** Dimensions of a head that turn. */
  rotary: number
  factors: RopeFactors
}

/** What every published Llama 3.1 to 3.3 has; only the factor differs (8, 32). */
const LLAMA_3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 } as const

/**
 * `rope_scaling` as Transformers writes it, null for plain positions.
 *
 * A file keeps only the factors of Llama 3's scaling. Where the published values give these factors, the config says so;
 * any other list is handed on as LongRoPE with the same factors at every length and no change of attention, which divides
 * the frequencies by just these factors.
 */
export function ropeScaling(fields: ArchitectureFields, rope: Rotary): Record<string, unknown> | null {
  const { freqs, long, short } = rope.factors
  if (long !== null && short !== null) return longRope(fields, rope, long, short)
  const kind = fields.text('rope.scaling.type', 'none')
  const legacy = fields.has('rope.scale_linear') ? fields.positive('rope.scale_linear') : 1
  const factor = fields.has('rope.scaling.factor') ? fields.positive('rope.scaling.factor') : legacy
  if (freqs !== null) return freqFactors(fields, rope, freqs)
  switch (kind) {
    case 'none':
      return legacy === 1 ? null : { rope_type: 'linear', factor: legacy }
    case 'linear':
      return factor === 1 ? null : { rope_type: 'linear', factor }
    case 'yarn':
      return yarn(fields, factor)
    default:
      throw new TokenscopeError('unsupported', `${fields.file}: rope.scaling.type is ${kind}.`, {
        hint: 'This kind of model cannot be run here yet.',
        details: {
          file: fields.file,
          field: 'rope.scaling.type',
          got: kind,
          expected: 'none, linear or yarn',
        },
      })
  }
}

function checkLength(fields: ArchitectureFields, name: string, factors: Float32Array, rotary: number): void {
  const isValid =
    factors.length === rotary / 2 && factors.every((value) => Number.isFinite(value) && value > 0)
  if (isValid) return
  throw new TokenscopeError(
    'bad-file',
    `${fields.file}: ${name} is no list of ${rotary / 2} factors above 0.`,
    {
      hint: 'The file is damaged; fetch it again.',
      details: { file: fields.file, field: name, got: factors.length, expected: rotary / 2 },
    },
  )
}

/** arXiv:2309.00071; Transformers derives the same attention factor where the file names none. */
function yarn(fields: ArchitectureFields, factor: number): Record<string, unknown> {
  const optional = (name: string, key: string): Record<string, number> =>
    fields.has(key) ? { [name]: fields.positive(key) } : {}
  const attention = fields.has('rope.scaling.attn_factor')
    ? { attention_factor: fields.positive('rope.scaling.attn_factor') * (0.1 * Math.log(factor) + 1) }
    : {}
  return {
    rope_type: 'yarn',
    factor,
    original_max_position_embeddings: fields.count('rope.scaling.original_context_length', {
      fallback: fields.context,
      min: 1,
    }),
    ...optional('beta_fast', 'rope.scaling.yarn_beta_fast'),
    ...optional('beta_slow', 'rope.scaling.yarn_beta_slow'),
    ...attention,
  }
}

/** arXiv:2402.13753. */
function longRope(
  fields: ArchitectureFields,
  { rotary }: Rotary,
  long: Float32Array,
  short: Float32Array,
): Record<string, unknown> {
  checkLength(fields, 'rope_factors_long.weight', long, rotary)
  checkLength(fields, 'rope_factors_short.weight', short, rotary)
  const key = 'rope.scaling.attn_factor'
  return {
    rope_type: 'longrope',
    long_factor: [...long],
    short_factor: [...short],
    ...(fields.has(key) ? { attention_factor: fields.positive(key) } : {}),
  }
}

function freqFactors(
  fields: ArchitectureFields,
  rope: Rotary,
  freqs: Float32Array,
): Record<string, unknown> | null {
  checkLength(fields, 'rope_freqs.weight', freqs, rope.rotary)
  if (freqs.every((value) => value === 1)) return null
  const factor = Number(Math.max(...freqs).toPrecision(6))
  const published = llama3Factors(rope, factor)
  const close = freqs.every((value, i) => Math.abs(value / (published[i] ?? 0) - 1) < 1e-5)
  if (close) return { rope_type: 'llama3', factor, ...LLAMA_3 }
  const list = [...freqs]
  return { rope_type: 'longrope', long_factor: list, short_factor: list, attention_factor: 1 }
}

/** By what Llama 3.1's scaling divides each frequency: nothing in short waves, `factor` in long ones, between them smoothly. */
function llama3Factors({ theta, rotary }: Rotary, factor: number): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: trained } = LLAMA_3
  return Array.from({ length: rotary / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / rotary)
    if (wavelength < trained / high) return 1
    if (wavelength > trained / low) return factor
    const smooth = (trained / wavelength - low) / (high - low)
    return 1 / ((1 - smooth) / factor + smooth)
  })
}
