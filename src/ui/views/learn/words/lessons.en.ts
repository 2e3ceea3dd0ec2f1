import { attentionLessonEn } from './attention.en.ts'
import { dpoEn } from './dpo.en.ts'
import { embeddingEn } from './embedding.en.ts'
import { logitsEn } from './logits.en.ts'
import { loraEn } from './lora.en.ts'
import { mlpEn } from './mlp.en.ts'
import { optimisersEn } from './optimisers.en.ts'
import { pictureEn } from './picture.en.ts'
import { qloraEn } from './qlora.en.ts'
import { quantisationEn } from './quantisation.en.ts'
import { lessonPanelEn } from './lessonPanel.en.ts'
import { rankEn } from './rank.en.ts'
import { ratesEn } from './rates.en.ts'
import { residualEn } from './residual.en.ts'
import { samplingLessonEn } from './sampling.en.ts'
import { speculationEn } from './speculation.en.ts'
import { teachingEn } from './teaching.en.ts'
import { tokensEn } from './tokens.en.ts'

/** The words of the lessons, fetched with them. `{name}` is a fact of the page, or a number put in by the rail. */
export const lessonsEn = {
  ...lessonPanelEn,
  ...pictureEn,
  ...tokensEn,
  ...logitsEn,
  ...attentionLessonEn,
  ...samplingLessonEn,
  ...embeddingEn,
  ...mlpEn,
  ...residualEn,
  ...quantisationEn,
  ...speculationEn,
  ...rankEn,
  ...teachingEn,
  ...loraEn,
  ...ratesEn,
  ...optimisersEn,
  ...qloraEn,
  ...dpoEn,
} as const

export type LessonKey = keyof typeof lessonsEn
export type LessonWords = Readonly<Record<LessonKey, string>>
