/** Milliseconds of one submit: two frames of a page, which draws with the same GPU. */
const PIECE_MS = 32
/** Pieces of the first pass, of which nothing is known yet, and the most of any. */
const MOST = 256

/** In how many submits a pass goes: one where the GPU is quick, and where it takes long as many as leave the page its frames. */
export class Pieces {
  #count = MOST

  get count(): number {
    return this.#count
  }

  /** A pass has taken so many milliseconds. */
  took(ms: number): void {
    this.#count = Math.min(MOST, Math.max(1, Math.ceil(ms / PIECE_MS)))
  }
}
