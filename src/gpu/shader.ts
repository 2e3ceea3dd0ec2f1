import { TokenscopeError } from '../errors.ts'
import type { Variant } from '../api/model.ts'

/** A constant of the generated header: it sizes arrays or selects code at compile time. */
export type HeaderConsts = Readonly<Record<string, number>>

/** One kernel as files: an op and the providers it is composed with. */
export interface ShaderSource {
  /** Shown in compile errors and profiler rows, e.g. `matvec+rms+f16`. */
  readonly label: string
  /** Provider files, then the op file. WGSL's module scope is order-independent. */
  readonly files: readonly { name: string; text: string }[]
  readonly consts: HeaderConsts
}

/** The composed WGSL: a generated header, then each file under a comment naming it. */
export function composeWgsl(source: ShaderSource, variant: Variant): string {
  const enables = [variant.f16 ? 'enable f16;' : '', variant.subgroups ? 'enable subgroups;' : '']
  const consts = Object.entries({ WORKGROUP: variant.workgroup, ...source.consts }).map(
    ([name, value]) => `const ${name} = ${value}u;`,
  )
  const header = [...enables, ...consts].filter((line) => line !== '')
  return [...header, ...source.files.map((file) => `\n// ---- ${file.name}\n${file.text}`)].join('\n')
}

function markedExcerpt(wgsl: string, messages: readonly GPUCompilationMessage[]): string {
  const lines = wgsl.split('\n')
  return messages
    .map((message) => {
      const at = message.lineNum - 1
      const from = Math.max(0, at - 3)
      const excerpt = lines
        .slice(from, at + 3)
        .map((line, i) => `${from + i === at ? '>' : ' '} ${String(from + i + 1).padStart(4)} | ${line}`)
        .join('\n')
      return `${message.type}: ${message.message}\n${excerpt}`
    })
    .join('\n\n')
}

/** Compiles a composed module. A compile error throws a bug with the composed source and the line marked. */
export async function compileModule(
  device: GPUDevice,
  label: string,
  wgsl: string,
): Promise<GPUShaderModule> {
  // The error is reported below, with its line; without a scope it would also reach `uncapturederror`.
  device.pushErrorScope('validation')
  const module = device.createShaderModule({ label, code: wgsl })
  const [info] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()])
  const errors = info.messages.filter((message) => message.type === 'error')
  if (errors.length > 0) {
    throw new TokenscopeError('unsupported', `The kernel ${label} does not compile on this device.`, {
      hint: 'Choose another kernel variant, and report this with the details.',
      details: { label, excerpt: markedExcerpt(wgsl, errors) },
    })
  }
  return module
}
