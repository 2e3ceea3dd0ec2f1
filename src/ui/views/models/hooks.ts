import { modelsOf } from '../../../state/models.ts'
import { hooksOf } from '../../context.ts'

export const [useModels, useModelsState] = hooksOf(modelsOf)
