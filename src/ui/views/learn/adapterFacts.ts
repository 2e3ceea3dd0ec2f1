import { formatCount } from '../../../maths/format.ts'
import type { MatchedModule } from '../../../api/adapters.ts'
import type { Track } from '../../../state/adapterScales.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import type { Session } from '../../../state/session.ts'

/** The adapter that is looked into. */
export function selectedTrack(session: Session): Track | null {
  const { tracks, selected } = adaptersOf(session).state.getState()
  return tracks.find(({ id }) => id === selected) ?? null
}

const ofTrack =
  (read: (track: Track) => string) =>
  (session: Session): string | null => {
    const track = selectedTrack(session)
    return track === null ? null : read(track)
  }

/** Of the modules that it changes by a product of low rank. */
const ofModules = (read: (modules: readonly MatchedModule[]) => number) =>
  ofTrack(({ report }) => formatCount(read(report.matched)))

const total = (modules: readonly MatchedModule[], count: (module: MatchedModule) => number): number =>
  modules.reduce((sum, module) => sum + count(module), 0)

/** Facts of the adapters view. */
export const ADAPTER_FACTS = {
  adapterName: ofTrack(({ name }) => name),
  adapterModules: ofModules((modules) => modules.length),
  adapterRank: ofModules((modules) => Math.max(0, ...modules.map(({ rank }) => rank))),
  adapterNumbers: ofModules((modules) => total(modules, ({ shapes: { a, b } }) => a[0] * a[1] + b[0] * b[1])),
  adapterChanged: ofModules((modules) => total(modules, ({ shapes: { a, b } }) => a[1] * b[0])),
  adapterWidth: ofModules((modules) =>
    Math.max(0, ...modules.map(({ shapes: { a, b } }) => Math.min(a[1], b[0]))),
  ),
} as const
