import { adaptersEn } from '../views/adapters/words.en.ts'
import { attentionEn } from '../views/attention/words.en.ts'
import { attributionEn } from '../views/lens/attribution/words.en.ts'
import { samplerEn } from '../views/sampling/words.en.ts'
import { branchesEn } from '../views/branches/words.en.ts'
import { cacheEn } from '../views/attention/cache/words.en.ts'
import { chatEn } from '../views/chat/words.en.ts'
import { editsEn } from '../views/edits/words.en.ts'
import { fillEn } from '../views/fill/words.en.ts'
import { elsewhereEn } from '../views/elsewhere/words.en.ts'
import { expertsEn } from '../views/experts/words.en.ts'
import { keysEn } from './keys.en.ts'
import { lensEn } from '../views/lens/words.en.ts'
import { mapEn } from '../views/map/words.en.ts'
import { modelsEn } from '../views/models/words.en.ts'
import { precisionEn } from '../views/precision/words.en.ts'
import { scoreEn } from '../views/score/words.en.ts'
import { speculateEn } from '../views/speculate/words.en.ts'
import { stepsEn } from '../views/steps/words.en.ts'
import { tokenizerEn } from '../views/tokenizer/words.en.ts'
import { trainEn } from '../views/train/words.en.ts'
import { writeEn } from '../views/write/words.en.ts'
import { traceEn } from '../views/trace/words.en.ts'

/** The words of the views that are fetched when they are first shown. */
export const viewsEn = {
  ...stepsEn,
  ...speculateEn,
  ...attentionEn,
  ...lensEn,
  ...mapEn,
  ...attributionEn,
  ...samplerEn,
  ...modelsEn,
  ...elsewhereEn,
  ...precisionEn,
  ...scoreEn,
  ...fillEn,
  ...branchesEn,
  ...cacheEn,
  ...chatEn,
  ...adaptersEn,
  ...editsEn,
  ...expertsEn,
  ...tokenizerEn,
  ...trainEn,
  ...traceEn,
  ...writeEn,
  ...keysEn,
} as const
