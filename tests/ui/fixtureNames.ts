import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MODEL_TYPES } from '../describeModel.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/models')

const modelType = (name: string): unknown => {
  const config: unknown = JSON.parse(readFileSync(join(FOLDER, name, 'config.json'), 'utf8'))
  return (config as Record<string, unknown>)['model_type']
}

const KNOWN = new Set<unknown>(MODEL_TYPES)

/** Fixture checkpoints of every architecture that is built. */
export const FIXTURES = readdirSync(FOLDER).filter((name) => KNOWN.has(modelType(name)))
