import { invariant } from '../errors.ts'
import type { ShaderSource } from '../gpu/shader.ts'
import type { Dispatch } from '../ops/op.ts'

/** A field of a kernel's `struct Params`. */
interface ParamField {
  readonly name: string
  readonly type: 'u32' | 'f32'
}

const fieldsOf = new Map<string, readonly ParamField[]>()

/** Fields of `struct Params` in the order of the kernel's source, all of four bytes. */
export function paramFields({ label, files }: ShaderSource): readonly ParamField[] {
  const text = files.at(-1)?.text ?? ''
  const cached = fieldsOf.get(text)
  if (cached) return cached
  const body = /struct Params \{([^}]*)\}/.exec(text)?.[1]
  invariant(body !== undefined, `${label} declares its parameters`)
  const fields = [...body.replace(/\/\/.*$/gm, '').matchAll(/(\w+)\s*:\s*(\w+)/g)].map(
    ([, name = '', type]): ParamField => {
      invariant(type === 'u32' || type === 'f32', `${label}: parameter ${name} is u32 or f32`)
      return { name, type }
    },
  )
  fieldsOf.set(text, fields)
  return fields
}

/** The parameters of every dispatch, each in a slice of `align` bytes, as its kernel declares them. */
export function packParams(dispatches: readonly Dispatch[], align: number): ArrayBuffer {
  const bytes = new ArrayBuffer(Math.max(1, dispatches.length) * align)
  const view = new DataView(bytes)
  dispatches.forEach(({ shader, params }, i) => {
    const fields = paramFields(shader)
    invariant(fields.length * 4 <= align, `the parameters of ${shader.label} fit their slice`)
    invariant(
      Object.keys(params).length === fields.length,
      `${shader.label} is given its parameters and no others`,
    )
    fields.forEach(({ name, type }, n) => {
      const value = params[name]
      invariant(value !== undefined, `${shader.label} is given ${name}`)
      if (type === 'u32') view.setUint32(i * align + n * 4, value, true)
      else view.setFloat32(i * align + n * 4, value, true)
    })
  })
  return bytes
}
