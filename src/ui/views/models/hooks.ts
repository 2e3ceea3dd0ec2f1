import { useStore } from 'zustand'
import { modelsOf, type Models, type ModelsState } from '../../../state/models.ts'
import { useSession } from '../../context.ts'

export function useModels(): Models {
  return modelsOf(useSession())
}

/** A slice of the models' state; select primitives or objects kept in it. */
export function useModelsState<T>(select: (state: ModelsState) => T): T {
  return useStore(useModels().state, select)
}
