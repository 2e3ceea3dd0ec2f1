import type { AdapterReport } from '../adapters/types.ts'

export type { AdapterEffect, AdapterReport } from '../adapters/types.ts'

export interface AdapterScale {
  id: string
  scale: number
}

export interface AddAdapterOptions {
  /** Default: the name of its files. */
  name?: string | undefined
  /** Default 1. */
  scale?: number | undefined
}

export interface ExportOptions {
  /** `peft`: one adapter; `merged`: the whole checkpoint. Default `peft`. */
  format?: 'peft' | 'merged' | undefined
  /** Default F32. */
  dtype?: 'F32' | 'F16' | undefined
}

export interface LoadedAdapterInfo {
  id: string
  name: string
  scale: number
  report: AdapterReport
}

/** One module's low-rank update, beside the weights it is added to. */
export interface ModuleAnalysis {
  step: string
  rank: number
  /** ‖(α/r)·BA‖_F at scale 1. */
  deltaNorm: number
  /** ‖W‖_F. */
  weightNorm: number
  ratio: number
  /** Descending. */
  singularValues: number[]
  /** Share of Σσ² in the first k + 1 directions. */
  energy: number[]
  /** Directions that carry the update: exp of the entropy of σ²/Σσ². */
  effectiveRank: number
}

export interface AdapterAnalysis {
  modules: ModuleAnalysis[]
  cost: { bytes: number; flopsPerRow: number }
}

/** Tokens along one direction of an update, by cosine; null where that side is not in the residual stream. */
export interface DirectionTokens {
  step: string
  k: number
  singularValue: number
  reads: { id: number; score: number }[] | null
  writes: { id: number; score: number }[] | null
}
