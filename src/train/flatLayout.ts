import type { LoraModule, ParsedAdapter } from '../adapters/types.ts'
import { TokenscopeError, invariant } from '../errors.ts'
import { outputAt } from '../program/outputs.ts'
import type { FlatMatrix } from '../program/trainAttrs.ts'

/** A factor of one module among the flat buffers: `[rows, columns]` from element `at` on. */
export interface FactorPlace {
  readonly at: number
  readonly rows: number
  readonly columns: number
}

/** Where the factors of a product lie: products that are parts of one module share its matrices. */
export interface ModulePlace {
  readonly module: LoraModule
  readonly a: FlatMatrix
  readonly b: FlatMatrix
}

/** The trained factors of one adapter one after the other. */
export interface FlatLayout {
  /** Elements of all. */
  readonly size: number
  readonly matrices: readonly FactorPlace[]
  /** By step. */
  readonly places: ReadonlyMap<string, ModulePlace>
}

function outsOf(parts: readonly LoraModule[]): number {
  return Math.max(...parts.map((part) => outputAt(part, part.out - 1) + 1))
}

/** Throws `unsupported`, naming what gradients cannot flow through. */
export function refuseUntrainable({ name, modules, replacements }: ParsedAdapter): void {
  const dora = modules.find(({ magnitude }) => magnitude !== null)
  const [replaced] = replacements
  const what = dora ? `uses DoRA at ${dora.step}` : replaced ? `replaces ${replaced.name}` : null
  if (what === null) return
  throw new TokenscopeError('unsupported', `${name} ${what}, which gradients cannot flow through.`, {
    hint: 'Plain LoRA adapters can be trained, and can act meanwhile. Remove this one first.',
    details: { adapter: name, module: dora?.step ?? replaced?.name, expected: 'plain LoRA' },
  })
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Lays out an adapter's factors, in the order of their steps' names: one that was made here and the same one read from files lie alike, so
 * that sums over all of them come to the same bits. Throws `unsupported` for more than plain LoRA on products.
 */
export function flatLayout(parsed: ParsedAdapter): FlatLayout {
  refuseUntrainable(parsed)
  const embedding = parsed.modules.find(({ kind }) => kind === 'embedding')
  if (embedding) {
    throw new TokenscopeError(
      'unsupported',
      `${parsed.name} adapts ${embedding.step}, which cannot be trained here.`,
      {
        hint: 'Adapters on products alone can be trained.',
        details: { adapter: parsed.name, module: embedding.step },
      },
    )
  }
  const sources = new Map<string, LoraModule[]>()
  for (const module of parsed.modules.toSorted((a, b) => inOrder(a.step, b.step)))
    sources.set(module.source, [...(sources.get(module.source) ?? []), module])
  const matrices: FactorPlace[] = []
  const places = new Map<string, ModulePlace>()
  let size = 0
  for (const parts of sources.values()) {
    const [first] = parts
    invariant(first, 'a module has a part')
    const a = { at: size, rows: first.rank, columns: first.in }
    const b = { at: size + first.rank * first.in, rows: outsOf(parts), columns: first.rank }
    size = b.at + b.rows * b.columns
    matrices.push(a, b)
    for (const module of parts) {
      const [begin, end] = module.rows
      places.set(module.step, {
        module,
        a: { at: a.at, begin: 0, run: a.rows, stride: 0 },
        b: { at: b.at, begin, run: end - begin, stride: module.runs?.stride ?? 0 },
      })
    }
  }
  return { size, matrices, places }
}

/** The values that an adapter holds, flat. */
export function packFactors({ size, places }: FlatLayout): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(size)
  for (const { module, a, b } of places.values()) {
    flat.set(module.a, a.at)
    for (let row = 0; row < module.out; row++)
      flat.set(
        module.b.subarray(row * module.rank, (row + 1) * module.rank),
        b.at + outputAt(module, row) * module.rank,
      )
  }
  return flat
}

/** Puts flat values back into the adapter's own arrays. */
export function unpackFactors({ places }: FlatLayout, flat: Float32Array): void {
  for (const { module, a, b } of places.values()) {
    module.a.set(flat.subarray(a.at, a.at + module.a.length))
    for (let row = 0; row < module.out; row++) {
      const from = b.at + outputAt(module, row) * module.rank
      module.b.set(flat.subarray(from, from + module.rank), row * module.rank)
    }
  }
}
