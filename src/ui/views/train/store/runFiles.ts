import type { AdapterFiles, KeptRun, KeptRuns, NewestCheckpoint, RunInfo } from './keptRuns.ts'

interface KnownMoments {
  steps: number
  bytes: Uint8Array
}

/** Files of the checkpoints of the run on show: those of this visit, else those that were kept. */
export class RunFiles {
  private readonly kept: KeptRuns
  private readonly files = new Map<number, AdapterFiles>()
  /** Of the newest checkpoint. */
  private newest: KnownMoments | null = null

  constructor(kept: KeptRuns) {
    this.kept = kept
  }

  /** Another run is on show. */
  clear(): void {
    this.files.clear()
    this.newest = null
  }

  /** What comes after a checkpoint is given up. */
  cutBack(steps: number): void {
    for (const at of this.files.keys()) if (at > steps) this.files.delete(at)
    if (this.newest !== null && this.newest.steps !== steps) this.newest = null
  }

  async at(run: RunInfo | null, steps: number): Promise<AdapterFiles | null> {
    return this.files.get(steps) ?? (run === null ? null : await this.kept.files(run.id, steps))
  }

  /** Moments after a step; null when they are gone. */
  async moments(run: RunInfo, steps: number): Promise<Uint8Array | null> {
    return this.newest?.steps === steps ? this.newest.bytes : await this.kept.moments(run.id, steps)
  }

  /** Keeps what has become known of a run whose checkpoints stand. @throws `storage` */
  note(run: KeptRun): Promise<boolean> {
    return this.kept.note(run)
  }

  /** Takes the newest checkpoint; those not among `run`'s any more go. False where nothing outlives the page. @throws `storage` */
  async put(run: KeptRun, newest: NewestCheckpoint): Promise<boolean> {
    const { steps, files, moments } = newest
    const numbers = run.checkpoints.map((one) => one.steps)
    this.files.set(steps, files)
    this.newest = moments === null ? null : { steps, bytes: moments }
    for (const at of this.files.keys()) if (!numbers.includes(at)) this.files.delete(at)
    const isKept = await this.kept.save(run, newest)
    if (isKept) await this.kept.prune(run.info.id, numbers, moments === null ? null : steps)
    return isKept
  }
}
