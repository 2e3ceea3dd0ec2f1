import { adaptersEn } from './adapters.en.ts'
import { attentionEn } from './attention.en.ts'
import { attributionEn } from './attribution.en.ts'
import { samplerEn } from './sampler.en.ts'
import { branchesEn } from './branches.en.ts'
import { cacheEn } from './cache.en.ts'
import { chatEn } from './chat.en.ts'
import { editsEn } from './edits.en.ts'
import { fillEn } from './fill.en.ts'
import { keysEn } from './keys.en.ts'
import { lensEn } from './lens.en.ts'
import { mapEn } from './map.en.ts'
import { modelsEn } from './models.en.ts'
import { precisionEn } from './precision.en.ts'
import { scoreEn } from './score.en.ts'
import { speculateEn } from './speculate.en.ts'
import { stepsEn } from './steps.en.ts'
import { tokenizerEn } from './tokenizer.en.ts'
import { traceEn } from './trace.en.ts'

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
  ...precisionEn,
  ...scoreEn,
  ...fillEn,
  ...branchesEn,
  ...cacheEn,
  ...chatEn,
  ...adaptersEn,
  ...editsEn,
  ...tokenizerEn,
  ...traceEn,
  ...keysEn,
} as const
