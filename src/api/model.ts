import type {
  AdapterAnalysis,
  AdapterReport,
  AdapterScale,
  AddAdapterOptions,
  DirectionTokens,
  ExportOptions,
  LoadedAdapterInfo,
} from './adapters.ts'
import type { BranchOptions, Child, Fork } from './branches.ts'
import type { ChatMessage, ChatOptions, ChatTemplateInfo } from './chat.ts'
import type { ComparedToken, CompareOptions } from './compare.ts'
import type { EditEffect, EditEffectsOptions } from './editEffects.ts'
import type { FillMaskOptions, FilledMask } from './fillMask.ts'
import type {
  Edit,
  LogitsAt,
  MaskedOptions,
  StepInfo,
  StepsOptions,
  TensorData,
  TracedRows,
  TraceOptions,
  TraceRowsOptions,
} from './forward.ts'
import type { EncodeOptions, GeneratedToken, GenerateOptions, Prompt } from './generate.ts'
import type {
  Attribution,
  AttributionOptions,
  InspectOptions,
  Inspection,
  Lens,
  LensOptions,
} from './inspect.ts'
import type { ModelInfo, ModelSource } from './load.ts'
import type { PrecisionChunk, PrecisionOptions } from './precision.ts'
import type { CacheReport, Counters, KernelCheck, MemoryReport, WatchedStep } from './resources.ts'
import type { ScoredToken, ScoreOptions } from './score.ts'
import type { SpeculatedRound, SpeculateOptions } from './speculate.ts'
import type { SaveTraceOptions } from './trace.ts'
import type {
  GradientOptions,
  NewAdapterOptions,
  PreferencePair,
  TrainedStep,
  TrainExample,
  TrainOptions,
} from './train.ts'

export type * from './adapters.ts'
export type * from './branches.ts'
export type * from './chat.ts'
export type * from './compare.ts'
export type * from './editEffects.ts'
export type * from './fillMask.ts'
export type * from './forward.ts'
export type * from './generate.ts'
export type * from './inspect.ts'
export type * from './load.ts'
export type * from './precision.ts'
export type * from './resources.ts'
export type * from './score.ts'
export type * from './speculate.ts'
export type * from './trace.ts'
export type * from './train.ts'

/** A loaded model. The page's `model` and the library's are the same interface. */
export interface Model {
  readonly info: ModelInfo
  encode(text: string, options?: EncodeOptions): Promise<number[]>
  decode(ids: readonly number[]): Promise<string>
  /**
   * What each id adds to the text where it stands; joined, they are what {@link decode} gives. Empty for special ids and for
   * all but the last of the ids that make one character.
   */
  tokenTexts(ids: readonly number[]): Promise<string[]>
  /** Texts of ids that may come behind others, each as {@link TokenAlternative.text} gives it. */
  alternativeTexts(contextIds: readonly number[], ids: readonly number[]): Promise<string[]>
  /**
   * Messages as the text that Transformers would render with the model's own template, by default up to where the assistant
   * speaks. A template runs in a thread that is ended when it takes too long. Its text is encoded without further special
   * tokens, their spellings read: `encode(text, { addSpecialTokens: false, parseSpecial: true })`.
   * @throws `unsupported` without a template or when it fails (the message is what it raises, else names its line),
   * `bad-argument` for what no template can take.
   */
  applyChatTemplate(messages: readonly ChatMessage[], options?: ChatOptions): Promise<string>
  /** The model's own template, and what it reads. */
  chatTemplate(): Promise<ChatTemplateInfo>
  /** The files beside the weights, configuration and tokenizer, by name; of a GGUF file those that it stands for. */
  companions(): Promise<Map<string, Uint8Array>>
  /** Logits of every position, before any sampling transform: [ids.length, vocab]. Of an encoder those of its masked-LM head. */
  logits(ids: readonly number[], options?: MaskedOptions): Promise<TensorData>
  /**
   * What an encoder puts in place of every mask token of a text, in order. The mask token as typed is read as such.
   * @throws `unsupported` for a model that is no encoder or has no mask token, `bad-argument` for a text without one.
   */
  fillMask(text: string, options?: FillMaskOptions): Promise<readonly FilledMask[]>
  generate(prompt: Prompt, options?: GenerateOptions): AsyncIterable<GeneratedToken>
  /**
   * Logits behind the last of `ids`, before any sampling transform: [vocab]. They are those that the last run left when it went
   * through these very ids under these adapters and edits; else one more forward computes them, which touches no live sequence.
   */
  logitsAt(ids: readonly number[], options?: MaskedOptions): Promise<LogitsAt>
  /**
   * Those that predicted generated token `index` of the last run, as {@link logitsAt} finds them.
   * @throws `bad-argument` for an index that the last run has no token of.
   */
  tokenLogits(index: number): Promise<LogitsAt>
  /**
   * Every step of a forward, or of a step of training, in the order they run.
   * @throws with `backward`: `unsupported` naming a step that gradients cannot flow through, `bad-argument` for rows that are no text.
   */
  steps(options: StepsOptions): Promise<StepInfo[]>
  trace(ids: readonly number[], options: TraceOptions): Promise<Map<string, TensorData>>
  /**
   * The same piece by piece: the first rows at once, then ever more at a time. Probed scores come all together; where rows see later
   * ones, a long text comes layer after layer. @throws `aborted`, also where adapters are swapped meanwhile
   */
  traceRows(ids: readonly number[], options: TraceRowsOptions): AsyncIterable<TracedRows>
  /**
   * Adds a PEFT LoRA adapter: files, a folder, a folder URL. It acts from the next run on.
   * @throws `bad-file`, `unsupported` (naming what is not implemented), `limit`; the adapters loaded before stay as they are.
   */
  addAdapter(source: ModelSource, options?: AddAdapterOptions): Promise<{ id: string; report: AdapterReport }>
  /**
   * An untrained LoRA adapter: A Kaiming-uniform (a = √5), B zero, so that it changes nothing yet.
   * @throws `bad-argument` for a target that names nothing, `unsupported` for one that cannot be trained.
   */
  newAdapter(options: NewAdapterOptions): Promise<{ id: string; report: AdapterReport }>
  /**
   * Gradients of the mean loss over the counted tokens of a text, by name: `mask[i] = 1` counts the prediction of `ids[i]`.
   * @throws `bad-argument` for a probe that names nothing, `unsupported` naming a step that gradients cannot flow through.
   */
  gradients(
    ids: readonly number[],
    mask: readonly (0 | 1)[],
    options: GradientOptions,
  ): Promise<Map<string, TensorData>>
  /**
   * Trains an added adapter; other adapters act at their set scales and stay as they are. Yields each step of the optimiser once it is
   * taken: the adapter is then the one that every other method sees. Between steps other calls get their turn. Leaving the loop ends it.
   * @throws `bad-argument` for examples or options that are none, `unsupported` for adapters or models that gradients cannot flow
   * through, `limit`, `aborted`.
   */
  train(
    adapterId: string,
    examples: readonly TrainExample[] | readonly PreferencePair[],
    options?: TrainOptions,
  ): AsyncIterable<TrainedStep>
  /**
   * Moments and place of the run that trains an adapter, between two of its steps. With the adapter as it is then, `train` resumes from
   * them bit for bit. @throws `bad-argument` where no run is under way.
   */
  trainingState(adapterId: string): Promise<Uint8Array>
  /** Compiles the kernels adapters need, so that the first one loads at once; worth calling while nothing else happens. */
  prepareAdapters(): Promise<void>
  /** Negative scales work; 0 is off. Uploads no weights and compiles nothing. */
  setAdapterScale(id: string, scale: number): Promise<void>
  removeAdapter(id: string): Promise<void>
  listAdapters(): Promise<readonly LoadedAdapterInfo[]>
  /**
   * Folds scaled adapters into the f32 or f16 weights, in place of running them beside; until {@link unmergeAdapters} every run is
   * under it, and comparing is off. @throws `unsupported` for quantised weights.
   */
  mergeAdapters(scales: readonly AdapterScale[]): Promise<void>
  /** Puts the weights back bit for bit. */
  unmergeAdapters(): Promise<void>
  /** Scaled adapters as one of PEFT (ranks concatenated), or folded into a whole checkpoint with its configuration and tokenizer: files by name. */
  exportAdapter(scales: readonly AdapterScale[], options?: ExportOptions): Promise<Map<string, Uint8Array>>
  /** Size and shape of an adapter's update, module by module. */
  analyseAdapter(id: string): Promise<AdapterAnalysis>
  adapterDirections(id: string, step: string, k: number): Promise<DirectionTokens>
  adapterSimilarity(first: string, second: string): Promise<{ step: string; cosine: number | null }[]>
  /**
   * Same prompt, seed and settings under two sets of adapter scales, as two rows of one batch.
   */
  compare(prompt: Prompt, options: CompareOptions): AsyncIterable<ComparedToken>
  /**
   * Runs the tokens once, every fine step observed, and keeps the outputs on the GPU until `close`. Live sequences are not touched.
   * @throws `bad-argument` for bad ids, `limit` or `out-of-memory` when not even one step fits.
   */
  inspect(ids: readonly number[], options?: InspectOptions): Promise<Inspection>
  /** What the residual stream after every layer would predict, through the final norm and the head (logit lens). */
  lens(ids: readonly number[], options?: LensOptions): Promise<Lens>
  /** Direct logit attribution: what each part of the model adds to one logit, the final norm's scale held at its actual value. */
  attribution(ids: readonly number[], options: AttributionOptions): Promise<Attribution>
  /**
   * A text under each of many sets of edits: many edited texts run in one forward, each over pages of its own, and of every one only
   * what lies behind its edits. Effects come as they are measured, by layer of the first edit; live sequences are not touched.
   * @throws `bad-argument` for bad ids or an edit at no step, `aborted`, also where adapters are swapped meanwhile
   */
  editEffects(
    ids: readonly number[],
    sets: readonly (readonly Edit[])[],
    options?: EditEffectsOptions,
  ): AsyncIterable<readonly EditEffect[]>
  /**
   * Puts another token at a position of a text: computes that one row over the text's own pages of keys and values (whatever of
   * them is no longer cached is read again). The branch stays in the cache: generating from its ids goes on at once.
   * @throws `bad-argument` for ids or a position that are none, `context-full` behind the last position.
   */
  fork(ids: readonly number[], position: number, token: number, options?: BranchOptions): Promise<Fork>
  /** The `count` (1 to 8) most probable next tokens of a text, each with the prediction behind it, as rows of one batch. */
  expand(ids: readonly number[], count: number, options?: BranchOptions): Promise<readonly Child[]>
  /** Scores a given text in chunks, in order; the tokens of a chunk arrive together. */
  score(ids: readonly number[], options?: ScoreOptions): AsyncIterable<readonly ScoredToken[]>
  /**
   * Speculative decoding: a draft model proposes tokens, the model reads them in one forward and keeps those it agrees with. Greedy
   * output is that of `generate`; sampled output follows the same distribution (Leviathan et al. 2023, arXiv:2211.17192).
   */
  speculate(prompt: Prompt, options: SpeculateOptions): AsyncIterable<SpeculatedRound>
  /**
   * The same text under this model's weights and under others of the same architecture, in lock-step and on the base alone: how far
   * apart their predictions are token by token, and the outputs of each step. The other weights are held only while this runs.
   * @throws `bad-argument` for ids or a model of other shapes, `limit` and `out-of-memory` where both do not fit, what `loadModel` throws
   */
  precision(ids: readonly number[], options?: PrecisionOptions): AsyncIterable<PrecisionChunk>
  /** The cache of keys and values: sequences, pages, who shares them. */
  cache(): Promise<CacheReport>
  /** The run over these tokens with its probed tensors as one file, which {@link openTrace} reads without a GPU. */
  saveTrace(ids: readonly number[], options?: SaveTraceOptions): Promise<Uint8Array>
  /**
   * Runs the kernels against the host once more: the first layer in f64, a row of every weight format, many rows against one, the
   * sampler. Loading does so once for an adapter, its kernels and the sizes of a model.
   */
  selfTest(): Promise<readonly KernelCheck[]>
  /**
   * Counts, from the next forward on, values that are NaN, infinite or beyond f16 in the output of every step of live forwards: what
   * generates, compares, branches, scores. It costs a dispatch more behind each step; counts stay on the GPU until they are read. Off
   * at first; on again counts anew.
   */
  watchValues(on: boolean): Promise<void>
  /** What was counted so far, in the order of the forward: the first step with something odd is where it began. Empty while off. */
  watchedValues(): Promise<readonly WatchedStep[]>
  memory(): Promise<MemoryReport>
  counters(): Promise<Counters>
  dispose(): Promise<void>
}
