/** A dense matrix in f64, row-major: [rows, cols]. */
export interface DenseMatrix {
  rows: number
  cols: number
  data: Float64Array
}

export function matrix(rows: number, cols: number, values?: ArrayLike<number>): DenseMatrix {
  return { rows, cols, data: values ? Float64Array.from(values) : new Float64Array(rows * cols) }
}

export function transposed({ rows, cols, data }: DenseMatrix): DenseMatrix {
  const result = matrix(cols, rows)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) result.data[j * rows + i] = data[i * cols + j] ?? 0
  }
  return result
}

/** a · b */
export function product(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  const result = matrix(a.rows, b.cols)
  for (let i = 0; i < a.rows; i++) {
    const out = result.data.subarray(i * b.cols, (i + 1) * b.cols)
    for (let k = 0; k < a.cols; k++) {
      const factor = a.data[i * a.cols + k] ?? 0
      for (let j = 0; j < b.cols; j++) out[j] = (out[j] ?? 0) + factor * (b.data[k * b.cols + j] ?? 0)
    }
  }
  return result
}

/** Σ aᵢbᵢ */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += (a[n] ?? 0) * (b[n] ?? 0)
  return sum
}

/**
 * Thin QR by Householder reflections (Golub & Van Loan, Matrix Computations, 5.2): m = qr, q `[rows, k]` with orthonormal
 * columns, r `[k, cols]` upper triangular, k = min(rows, cols). Exact for dependent columns too: r then has zeros.
 */
export function qr(m: DenseMatrix): { q: DenseMatrix; r: DenseMatrix } {
  const k = Math.min(m.rows, m.cols)
  // Columns are worked on, so they are rows here.
  const columns = splitRows(transposed(m))
  const reflectors: Float64Array[] = []
  for (let step = 0; step < k; step++) {
    const reflector = householder(columns[step] ?? new Float64Array(0), step)
    reflectors.push(reflector)
    for (let j = step; j < m.cols; j++) reflect(columns[j], reflector)
  }
  const r = matrix(k, m.cols)
  columns.forEach((column, j) => {
    for (let i = 0; i <= Math.min(j, k - 1); i++) r.data[i * m.cols + j] = column[i] ?? 0
  })
  const basis = Array.from({ length: k }, (_, j) => {
    const column = new Float64Array(m.rows)
    column[j] = 1
    for (const reflector of reflectors.toReversed()) reflect(column, reflector)
    return column
  })
  return { q: transposed(joinRows(basis, m.rows)), r }
}

/** Unit vector v with (I − 2vvᵀ) taking the column's part from `step` on to a multiple of the first axis; zero for a zero part. */
function householder(column: Float64Array, step: number): Float64Array {
  const v = column.slice()
  v.fill(0, 0, step)
  const norm = Math.sqrt(dot(v, v))
  if (norm === 0) return v
  v[step] = (v[step] ?? 0) + ((v[step] ?? 0) < 0 ? -norm : norm)
  const length = Math.sqrt(dot(v, v))
  return v.map((value) => value / length)
}

function reflect(column: Float64Array | undefined, v: Float64Array): void {
  if (!column) return
  const factor = 2 * dot(column, v)
  if (factor === 0) return
  for (let n = 0; n < v.length; n++) column[n] = (column[n] ?? 0) - factor * (v[n] ?? 0)
}

function splitRows({ rows, cols, data }: DenseMatrix): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => data.slice(i * cols, (i + 1) * cols))
}

function joinRows(rows: readonly Float64Array[], cols: number): DenseMatrix {
  const result = matrix(rows.length, cols)
  rows.forEach((row, i) => result.data.set(row, i * cols))
  return result
}

/** Singular values descending; columns of u `[rows, k]` and v `[cols, k]` belong to them. */
export interface Svd {
  u: DenseMatrix
  values: Float64Array
  v: DenseMatrix
}

const MAX_SWEEPS = 60
const ORTHOGONAL = 1e-15

/**
 * Singular value decomposition of a small matrix by one-sided Jacobi rotations (Hestenes 1958; Demmel & Veselić 1992 for
 * its high relative accuracy). k = min(rows, cols). Columns of u for a zero singular value are zero.
 */
export function svd(m: DenseMatrix): Svd {
  if (m.rows < m.cols) {
    const { u, values, v } = svd(transposed(m))
    return { u: v, values, v: u }
  }
  const left = splitRows(transposed(m))
  const right = left.map((_, j) => {
    const unit = new Float64Array(m.cols)
    unit[j] = 1
    return unit
  })
  for (let sweep = 0; sweep < MAX_SWEEPS && rotateAll(left, right); sweep++);
  const norms = left.map((column) => Math.sqrt(dot(column, column)))
  const order = norms.map((_, j) => j).sort((a, b) => (norms[b] ?? 0) - (norms[a] ?? 0))
  const sorted = (columns: readonly Float64Array[]): Float64Array[] =>
    order.map((j) => columns[j] ?? new Float64Array(0))
  const units = left.map((column, j) => column.map((value) => (norms[j] ? value / norms[j] : 0)))
  return {
    u: transposed(joinRows(sorted(units), m.rows)),
    values: Float64Array.from(order, (j) => norms[j] ?? 0),
    v: transposed(joinRows(sorted(right), m.cols)),
  }
}

/** One sweep over all pairs of columns; true while any of them was not yet orthogonal. */
function rotateAll(left: readonly Float64Array[], right: readonly Float64Array[]): boolean {
  let rotated = false
  for (let p = 0; p < left.length; p++) {
    for (let q = p + 1; q < left.length; q++) {
      const [a, b, va, vb] = [left[p], left[q], right[p], right[q]]
      if (!a || !b || !va || !vb) continue
      const [alpha, beta, gamma] = [dot(a, a), dot(b, b), dot(a, b)]
      if (Math.abs(gamma) <= ORTHOGONAL * Math.sqrt(alpha * beta)) continue
      rotated = true
      const zeta = (beta - alpha) / (2 * gamma)
      const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
      rotate(a, b, tangent)
      rotate(va, vb, tangent)
    }
  }
  return rotated
}

function rotate(a: Float64Array, b: Float64Array, tangent: number): void {
  const cosine = 1 / Math.hypot(1, tangent)
  const sine = cosine * tangent
  for (let n = 0; n < a.length; n++) {
    const [x, y] = [a[n] ?? 0, b[n] ?? 0]
    a[n] = cosine * x - sine * y
    b[n] = sine * x + cosine * y
  }
}
