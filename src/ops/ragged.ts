import type { ProviderName } from '../gpu/providers.ts'
import type { HeaderConsts } from '../gpu/shader.ts'

/** Whether rows of a width end inside a vec4: the next one begins right behind, wherever that is. */
export const isRagged = (width: number): boolean => width % 4 !== 0

/** From one row of x to the next: in vec4, or in floats where rows are ragged. */
export const rowStride = (width: number): number => (isRagged(width) ? width : width / 4)

/** What kernels over rows of a width know of it: 0 for whole vec4. */
export const raggedConst = (width: number): HeaderConsts => ({ RAGGED: isRagged(width) ? 2 : 0 })

/** How rows of a width are read and written four elements at a time. */
export const storeProviders = (width: number): readonly ProviderName[] => [
  'four_at',
  isRagged(width) ? 'store_ragged' : 'store_whole',
]
