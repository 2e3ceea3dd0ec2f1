import { expect, test } from 'vitest'
import { movedPlace } from '../../src/ui/components/Grid.tsx'

const NONE = { ctrlKey: false, metaKey: false, altKey: false }
/** Two lines of three cells over one of two. */
const columns = (row: number): number => (row === 2 ? 2 : 3)

test.each([
  ['ArrowUp', [1, 1], [0, 1]],
  ['ArrowDown', [0, 1], [1, 1]],
  ['ArrowDown', [1, 2], [2, 1]],
  ['ArrowDown', [2, 0], [2, 0]],
  ['ArrowLeft', [1, 0], [1, 0]],
  ['ArrowRight', [1, 1], [1, 2]],
  ['ArrowRight', [2, 1], [2, 1]],
  ['Home', [1, 2], [1, 0]],
  ['End', [2, 0], [2, 1]],
  ['PageUp', [2, 1], [0, 1]],
  ['PageDown', [0, 2], [2, 1]],
] as const)('%s leads from %s to %s', (key, [row, column], to) => {
  const moved = movedPlace({ key, ...NONE }, { rows: 3, columns, place: { row, column } })
  expect(moved && [moved.row, moved.column]).toEqual(to)
})

test('other keys, keys under modifiers, and a grid without lines lead nowhere', () => {
  const grid = { rows: 3, columns, place: { row: 0, column: 0 } }
  expect(movedPlace({ key: 'a', ...NONE }, grid)).toBeNull()
  expect(movedPlace({ key: 'End', ...NONE, ctrlKey: true }, grid)).toBeNull()
  expect(movedPlace({ key: 'End', ...NONE }, { ...grid, rows: 0 })).toBeNull()
})
