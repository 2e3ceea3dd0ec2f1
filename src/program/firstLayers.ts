import { lmHeadSteps, streamName, type Program } from './step.ts'

/** A recorded forward that leaves out the layers from `count` on: its head reads the stream behind the layer before. */
export function firstLayers(program: Program, count: number): Program {
  const layers = program.steps.reduce((last, { layer }) => Math.max(last, layer ?? -1), -1) + 1
  if (count >= layers) return program
  const [from, to] = [streamName(program, layers - 1), streamName(program, count - 1)]
  const lmHead = lmHeadSteps(program).map((step) => ({
    ...step,
    inputs: step.inputs.map((name) => (name === from ? to : name)),
  }))
  const body = program.steps.slice(0, program.steps.length - lmHead.length)
  return { ...program, steps: [...body.filter(({ layer }) => layer === null || layer < count), ...lmHead] }
}
