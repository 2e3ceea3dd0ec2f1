import type { AdapterReport, StepInfo, StepsOptions, TensorData } from '../api/model.ts'
import type {
  GradientOptions,
  NewAdapterOptions,
  PreferencePair,
  TrainedStep,
  TrainExample,
  TrainOptions,
} from '../api/train.ts'
import type { ParsedAdapter } from '../adapters/types.ts'
import { TokenscopeError, throwIfAborted } from '../errors.ts'
import { describeTraining } from '../train/describe.ts'
import { refuseUntrainable } from '../train/flatLayout.ts'
import { readGradients } from '../train/gradients.ts'
import { untrainedAdapter } from '../train/newAdapter.ts'
import { textsOf } from '../train/objective.ts'
import { checkOptions } from '../train/options.ts'
import { checkExamples, rowsOfTexts } from '../train/texts.ts'
import { Trainer } from '../train/trainer.ts'
import type { EngineContext } from './context.ts'

/** Adds an adapter that is to be trained. */
export function newAdapter(
  context: EngineContext,
  options: NewAdapterOptions,
): Promise<{ id: string; report: AdapterReport }> {
  return context.read(() =>
    context.adapters.add(untrainedAdapter(context.runner.model, options), options.scale ?? 1),
  )
}

/** Gradients of the mean loss over the counted tokens. */
export function gradients(
  context: EngineContext,
  ids: readonly number[],
  mask: readonly (0 | 1)[],
  { probes, adapters }: GradientOptions,
): Promise<Map<string, TensorData>> {
  const { runner, info } = context
  const text = { ids, mask }
  context.needDecoder('gradients')
  checkExamples([text], info)
  const conditions = context.conditionsOf({ adapters })
  return context.read(() =>
    runner.exclusive(() => {
      refuseLoaded(context)
      return readGradients(runner, text, conditions, { probes })
    }),
  )
}

/** The steps of training over one text. */
export function trainingSteps(
  context: EngineContext,
  rows: number,
  { adapter, ...options }: Pick<StepsOptions, 'adapter' | 'optimizer' | 'objective'>,
): Promise<StepInfo[]> {
  const { runner, info, adapters } = context
  context.needDecoder('steps of training')
  if (!Number.isInteger(rows) || rows < 1 || rows > info.context) {
    throw new TokenscopeError('bad-argument', `rows is ${rows}; a text has 1 to ${info.context} of them.`, {
      hint: 'Give the number of tokens that predict another one.',
      details: { field: 'rows', got: rows, context: info.context },
    })
  }
  checkOptions(options, [rows])
  return context.read(() => {
    refuseLoaded(context)
    const trained =
      adapter === undefined ? null : { parsed: adapters.parsed(adapter), slot: adapters.slot(adapter) }
    return describeTraining(runner, rows, trained, options)
  })
}

/** Gradients flow through every loaded adapter: all are plain. @throws `unsupported`, naming one that is not. */
function refuseLoaded({ adapters }: EngineContext): void {
  for (const { id } of adapters.list()) refuseUntrainable(adapters.parsed(id))
}

/** Adapters under training, each with its run. */
const learning = new WeakMap<ParsedAdapter, Trainer>()

function refuseBusy(parsed: ParsedAdapter): void {
  if (!learning.has(parsed)) return
  throw new TokenscopeError('bad-argument', `The adapter "${parsed.name}" is being trained.`, {
    hint: 'Wait for that run, or stop it.',
    details: { adapter: parsed.name },
  })
}

/** Trains an added adapter, step by step; between steps others get their turn. */
export async function* train(
  context: EngineContext,
  id: string,
  examples: readonly TrainExample[] | readonly PreferencePair[],
  options: TrainOptions = {},
): AsyncGenerator<TrainedStep> {
  const { runner, info, adapters } = context
  context.needDecoder('train')
  adapters.refuseMerged('Training')
  const texts = textsOf(examples, options.objective, info)
  const settings = checkOptions(options, texts.map(rowsOfTexts))
  const parsed = adapters.parsed(id)
  refuseBusy(parsed)
  refuseLoaded(context)
  const trainer = new Trainer(
    runner,
    { parsed, slot: adapters.slot(id) },
    texts,
    settings,
    options.resume ?? null,
  )
  learning.set(parsed, trainer)
  adapters.learning.add(trainer)
  try {
    while (trainer.next < trainer.steps) {
      throwIfAborted(options.signal)
      yield await context.inTurn(() => stepInTurn(context, id, trainer))
    }
  } finally {
    adapters.learning.delete(trainer)
    learning.delete(parsed)
    // A model that was disposed of, or a device that is lost, has freed or lost all.
    if (!context.health.isDisposed) await endTraining(trainer)
  }
}

/** Where the run over an adapter stands, for `train` to resume. */
export function trainingState(context: EngineContext, id: string): Promise<Uint8Array> {
  const { runner, adapters } = context
  return context.inTurn(() => {
    const parsed = adapters.parsed(id)
    const trainer = learning.get(parsed)
    if (trainer) return runner.exclusive(() => trainer.state())
    throw new TokenscopeError('bad-argument', `The adapter "${parsed.name}" is not being trained.`, {
      hint: 'Ask between two steps of its run: moments end with it.',
      details: { adapter: parsed.name },
    })
  })
}

async function endTraining(trainer: Trainer): Promise<void> {
  try {
    await trainer.settle()
  } finally {
    trainer.dispose()
  }
}

function stepInTurn(context: EngineContext, id: string, trainer: Trainer): Promise<TrainedStep> {
  const { runner, adapters } = context
  adapters.refuseMerged('Training')
  refuseLoaded(context)
  const others = adapters.list().map((other) => ({ id: other.id, scale: other.id === id ? 1 : other.scale }))
  const { scales } = context.conditionsOf({ adapters: others })
  return runner.exclusive(async () => {
    const step = await trainer.step(scales)
    adapters.changed(id)
    return step
  })
}
