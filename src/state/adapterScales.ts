import type { AdapterReport, AdapterScale, Model } from '../api/model.ts'
import type { Anatomy } from '../analysis/anatomy.ts'
import { placeOf } from './stepPlace.ts'

/** One adapter's scale, with the name people know it by. */
export interface NamedScale extends AdapterScale {
  name: string
}

/** Where an adapter came from, as far as it can be fetched again. */
export type AdapterOrigin =
  { kind: 'listed'; id: string } | { kind: 'address'; address: string } | { kind: 'files' }

/** A loaded adapter, as a row of the adapters' view. */
export interface Track {
  /** The engine's id. */
  id: string
  name: string
  /** What the slider says; what acts is {@link actingScale}. */
  scale: number
  enabled: boolean
  origin: AdapterOrigin
  report: AdapterReport
}

/** Ends of the slider; any finite number may be typed. */
export const SCALE_END = 2

/** The scale an adapter acts at: a solo row acts, muted or not, and silences all others. */
export function actingScale(track: Pick<Track, 'id' | 'scale' | 'enabled'>, solo: string | null): number {
  if (solo !== null) return track.id === solo ? track.scale : 0
  return track.enabled ? track.scale : 0
}

/** Tells the engine every row's acting scale; what is switched off makes room first. `refused` hears of each that cannot act. */
export async function sendScales(
  model: Pick<Model, 'setAdapterScale'>,
  { tracks, solo }: { tracks: readonly Track[]; solo: string | null },
  refused: (track: Track, error: unknown) => void,
): Promise<void> {
  const scales = tracks.map((track) => ({ track, scale: actingScale(track, solo) }))
  const ordered = scales.sort((a, b) => Number(a.scale !== 0) - Number(b.scale !== 0))
  await Promise.all(
    ordered.map(({ track, scale }) =>
      model.setAdapterScale(track.id, scale).catch((error: unknown) => refused(track, error)),
    ),
  )
}

/** Everything that acts, in the order of the rows; empty is the base. */
export function scalesOf(tracks: readonly Track[], solo: string | null): NamedScale[] {
  return tracks
    .map((track) => ({ id: track.id, name: track.name, scale: actingScale(track, solo) }))
    .filter(({ scale }) => scale !== 0)
}

/** Scales as people read them: `bard ×0.80 + swap ×1.00`; `base` when nothing acts. */
export function scalesText(scales: readonly NamedScale[], base: string): string {
  if (scales.length === 0) return base
  return scales.map(({ name, scale }) => `${name} ×${scaleText(scale)}`).join(' + ')
}

/** Two digits, more where they were typed, and a true minus sign. */
export function scaleText(scale: number): string {
  const digits = Math.min(4, Math.max(2, String(Math.abs(scale)).split('.')[1]?.length ?? 0))
  return `${scale < 0 ? '−' : ''}${Math.abs(scale).toFixed(digits)}`
}

export function sameScales(a: readonly NamedScale[], b: readonly NamedScale[]): boolean {
  const parts = (scales: readonly NamedScale[]) =>
    scales
      .map(({ name, id, scale }) => `${id} ${name} ${scale}`)
      .sort()
      .join('\n')
  return parts(a) === parts(b)
}

/** Tokens from `from` on were written under `scales`. */
export interface ScalesSpan {
  from: number
  scales: readonly NamedScale[]
}

/** Adds a run that starts at token `from`; runs under the same scales are one span. */
export function addSpan(spans: readonly ScalesSpan[], span: ScalesSpan): ScalesSpan[] {
  const kept = spans.filter(({ from }) => from < span.from)
  const last = kept.at(-1)
  return last !== undefined && sameScales(last.scales, span.scales) ? kept : [...kept, span]
}

/** A name no row has: `bard`, `bard 2`, … */
export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name
  let count = 2
  while (taken.includes(`${name} ${count}`)) count += 1
  return `${name} ${count}`
}

/** What kind of update it is: the word on the row's badge. */
export function badgeOf({ features }: AdapterReport): 'DoRA' | 'rsLoRA' | 'LoRA' | 'modules' {
  if (features.includes('dora')) return 'DoRA'
  if (features.includes('rslora')) return 'rsLoRA'
  return features.includes('lora') ? 'LoRA' : 'modules'
}

const range = (values: readonly number[]): string => {
  if (values.length === 0) return '—'
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? String(low) : `${low}–${high}`
}

/** A step's name within its layer, without its block: `q`, `down`. */
export const shortName = (local: string): string =>
  local.startsWith('attn.') || local.startsWith('mlp.') ? local.slice(local.indexOf('.') + 1) : local

/** Ranks and alphas as one number or a range each, the modules it sits on, and in how many layers. */
export function summaryOf({ matched, replaced }: AdapterReport, anatomy: Anatomy) {
  const names = [...matched.map(({ step }) => step), ...replaced.map(({ name }) => name)]
  const places = names.map((name) => placeOf(anatomy, name))
  const layers = new Set(places.flatMap(({ layer }) => layer ?? []))
  const modules = new Set(places.map(({ local }) => shortName(local)))
  return {
    rank: range(matched.map(({ rank }) => rank)),
    alpha: range(matched.map(({ alpha }) => alpha)),
    modules: [...modules],
    layers: layers.size,
  }
}

/** True when the adapter was measured and changes nothing. */
export function isIdle({ effect }: AdapterReport): boolean {
  return effect !== null && effect.maxDeltaLogit === 0
}
