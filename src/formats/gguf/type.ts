import { TokenscopeError } from '../../errors.ts'
import type { FileSource } from '../tensors.ts'
import { readGgufStart } from './start.ts'

/** `general.type` of a file: `model` where it does not say, null where it cannot be read. */
export async function ggufType(source: FileSource, file: string): Promise<string | null> {
  try {
    const { fields } = await readGgufStart(source, file)
    return fields.has('general.type') ? fields.text('general.type') : 'model'
  } catch (error) {
    if (error instanceof TokenscopeError) return null
    throw error
  }
}
