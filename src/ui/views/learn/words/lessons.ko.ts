import { attentionLessonKo } from './attention.ko.ts'
import { dpoKo } from './dpo.ko.ts'
import { embeddingKo } from './embedding.ko.ts'
import { logitsKo } from './logits.ko.ts'
import { loraKo } from './lora.ko.ts'
import { mlpKo } from './mlp.ko.ts'
import { optimisersKo } from './optimisers.ko.ts'
import { pictureKo } from './picture.ko.ts'
import { qloraKo } from './qlora.ko.ts'
import { quantisationKo } from './quantisation.ko.ts'
import { lessonPanelKo } from './lessonPanel.ko.ts'
import { rankKo } from './rank.ko.ts'
import { ratesKo } from './rates.ko.ts'
import { residualKo } from './residual.ko.ts'
import { samplingLessonKo } from './sampling.ko.ts'
import { speculationKo } from './speculation.ko.ts'
import { teachingKo } from './teaching.ko.ts'
import { tokensKo } from './tokens.ko.ts'
import type { LessonWords } from './lessons.en.ts'

export const lessonsKo: LessonWords = {
  ...lessonPanelKo,
  ...pictureKo,
  ...tokensKo,
  ...logitsKo,
  ...attentionLessonKo,
  ...samplingLessonKo,
  ...embeddingKo,
  ...mlpKo,
  ...residualKo,
  ...quantisationKo,
  ...speculationKo,
  ...rankKo,
  ...teachingKo,
  ...loraKo,
  ...ratesKo,
  ...optimisersKo,
  ...qloraKo,
  ...dpoKo,
}
