/**
 * Experiments over a loaded model and the arithmetic behind them, as `tokenscope/analysis`. All of it is pure or asks a `Model` alone:
 * it runs in a notebook as on the page.
 */
export {
  anatomyOfSteps,
  isInfo,
  outputOf,
  readAnatomy,
  stepWithRole,
  type Anatomy,
  type AttentionSteps,
  type Block,
  type BlockOutput,
  type LayerAnatomy,
} from './anatomy.ts'
export { isEditable, localName, matchesPattern, seenRange } from './steps.ts'
export { untrainableStep } from './trainable.ts'
export { rolesOf, type StepRole } from './stepRoles.ts'
export {
  measureParts,
  partKey,
  partsOf,
  scaleEdits,
  stepsOfPart,
  type ModelPart,
  type PartEffect,
  type SweptParts,
} from './ablation.ts'
export {
  directionBetween,
  directionNorms,
  readActivation,
  steeringVector,
  type DirectionNorms,
} from './steering.ts'
export { PATCH_KINDS, patchStep, readNorms, rowNorms, type NormGrid, type PatchKind } from './patching.ts'
export {
  compareRows,
  largestRow,
  pairLines,
  rowLogits,
  strength,
  summarise,
  type EditedRow,
  type EditedSource,
  type PairLine,
} from './editedRows.ts'
export {
  divergences,
  pairRows,
  SCORE_LIMIT,
  scoreBoth,
  type PairRow,
  type ScoredPosition,
} from './divergence.ts'
export {
  addHeads,
  averageHeads,
  entropyBits,
  findCopies,
  labelOf,
  NAMED_FROM,
  poolPattern,
  SCORE_NAMES,
  scorePattern,
  strongestLinks,
  weightsOf,
  type Copies,
  type HeadScores,
  type AttentionLink,
  type AttentionPattern,
  type ScoreName,
} from './headScores.ts'
export { linesByLayer, linesBySize, MAX_LINES, type AttributionLine } from './attributionLines.ts'
export {
  holderOf,
  holdersOf,
  readCacheNorms,
  sharedWith,
  writtenSpans,
  type CacheNorms,
  type WrittenSpan,
} from './cacheUse.ts'
export {
  entropyOf,
  loadOf,
  readExperts,
  routingsOf,
  weightsByExpert,
  type ExpertLayer,
  type ExpertMap,
  type LoadUnit,
} from './expertRoutes.ts'
export {
  distributionOf,
  tableAfterFilters,
  tableBeforeFilters,
  type CandidateRow,
  type CandidateTable,
  type Distribution,
} from './candidates.ts'
export {
  plainRow,
  segmentsOf,
  stageTable,
  STAGES,
  type PlainRow,
  type Stage,
  type ShownStageName,
  type StageTable,
} from './samplingStages.ts'
export {
  firstDifference,
  idsOf,
  leafOf,
  markRecent,
  pathTo,
  promptLength,
  scoreOf,
  TokenTree,
  type PathScore,
  type TokenNode,
  type TreeToken,
} from './tokenTree.ts'
export {
  computeBranch,
  computeChildren,
  insertText,
  insertToken,
  type ComputedToken,
  type WrittenText,
} from './treeGrowth.ts'
export { measurePath, missingNumbers } from './treeNumbers.ts'
export { slotsOf, type RoundSlot } from './speculatedRounds.ts'
export { countedTokens, spanRoles, writtenTexts, type Role, type TextSpan } from './scoreSpans.ts'
