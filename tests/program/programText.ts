import { localName, type Program, type Step } from '../../src/program/step.ts'

/** `layers.0.attn.q` → `attn.q`, of the step's own layer. */
function shortened(name: string, { layer }: Step): string {
  const prefix = `layers.${layer}.`
  return name.startsWith(prefix) ? name.slice(prefix.length) : name
}

function line(step: Step): string {
  const short = (names: readonly string[]): string => names.map((name) => shortened(name, step)).join(', ')
  const covers = step.covers.length > 0 ? `  [${short(step.covers)}]` : ''
  return `${localName(step)} = ${step.op}(${short(step.inputs)})${covers}`
}

/** One line a step: its name, op and inputs, and the fine steps that it stands for. Layers are headed by their number. */
export function programText({ steps }: Program): string {
  return steps
    .map((step, i) => {
      const isFirst = step.layer !== steps[i - 1]?.layer && step.layer !== null
      const indent = step.layer === null ? '' : '  '
      return `${isFirst ? `layers.${step.layer}\n` : ''}${indent}${line(step)}`
    })
    .join('\n')
}
