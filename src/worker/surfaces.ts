import type { Inspection } from '../api/inspect.ts'
import type { LoadOptions, ModelSource } from '../api/load.ts'
import { INSPECTION_METHODS, METHODS, type DataOf, type Kind, type KindsOf } from '../api/methods.ts'
import type { Model } from '../api/model.ts'
import type { CallModels } from '../api/source.ts'

/** What the worker offers before anything is loaded. */
export interface Loader {
  loadModel: (source: ModelSource, options?: Omit<LoadOptions, 'device'>) => Promise<Model>
  models: CallModels
}

/** The interfaces that objects of the worker show the page. */
export interface Faces {
  loader: Loader
  model: Model
  inspection: Inspection
}

export type SurfaceName = keyof Faces

/** How an object of the worker is reached from the page. */
export interface Surface {
  readonly methods: Readonly<Record<string, Kind>>
  /** Members that are plain data; they go over once, with the object itself. */
  readonly data: readonly string[]
  /** What a `handle` method of it opens; null without one. */
  readonly opens: SurfaceName | null
  /** The method that ends the object; null for what lasts as long as the worker. */
  readonly end: string | null
  /** What a call hears after that. */
  readonly ended: { message: string; hint: string }
}

/** Names of all data members of an interface. */
const dataOf = <T>(members: Readonly<Record<keyof DataOf<T>, true>>): string[] => Object.keys(members)

export const SURFACES: Readonly<Record<SurfaceName, Surface>> = {
  loader: {
    methods: { loadModel: 'handle', models: 'call' } satisfies KindsOf<Loader>,
    data: dataOf<Loader>({}),
    opens: 'model',
    end: null,
    ended: { message: 'The engine was closed.', hint: 'Start it again.' },
  },
  model: {
    methods: METHODS,
    data: dataOf<Model>({ info: true }),
    opens: 'inspection',
    end: 'dispose',
    ended: { message: 'This model was disposed of.', hint: 'Load it again.' },
  },
  inspection: {
    methods: INSPECTION_METHODS,
    data: dataOf<Inspection>({ ids: true, steps: true, retainedBytes: true }),
    opens: null,
    end: 'close',
    ended: { message: 'This inspection was closed.', hint: 'Inspect again.' },
  },
}

/** Number of the one {@link Loader}. */
export const LOADER = 0
