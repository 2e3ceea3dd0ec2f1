/** Sorts ids in place: descending by value, ties by lowest id. */
export function sortDescending(ids: Uint32Array, values: ArrayLike<number>): Uint32Array {
  return ids.sort((a, b) => values[b]! - values[a]! || a - b)
}

/**
 * Ids of the `count` largest values, descending, ties to the lowest ids. A heap of `count` ids with the worst at its root,
 * so one pass over a large vocabulary suffices. NaN is not allowed.
 */
export function largestIds(values: ArrayLike<number>, count: number): Uint32Array {
  const size = Math.min(count, values.length)
  const heap = Uint32Array.from({ length: size }, (_, id) => id)
  if (size === 0) return heap
  for (let node = (size >> 1) - 1; node >= 0; node--) sink(heap, node, values)
  for (let id = size; id < values.length; id++) {
    // Ids ascend, so an equal value is a worse one.
    if (values[id]! <= values[heap[0]!]!) continue
    heap[0] = id
    sink(heap, 0, values)
  }
  return sortDescending(heap, values)
}

function sink(heap: Uint32Array, from: number, values: ArrayLike<number>): void {
  const isWorse = (a: number, b: number): boolean => {
    const difference = values[a]! - values[b]!
    return difference < 0 || (difference === 0 && a > b)
  }
  let node = from
  for (let child = 2 * node + 1; child < heap.length; child = 2 * node + 1) {
    if (child + 1 < heap.length && isWorse(heap[child + 1]!, heap[child]!)) child++
    const [parent, least] = [heap[node]!, heap[child]!]
    if (isWorse(parent, least)) return
    heap[node] = least
    heap[child] = parent
    node = child
  }
}
