/** How turns are written for a model without a template of its own that works. */
export const FALLBACKS = ['plain', 'chatml'] as const
export type Fallback = (typeof FALLBACKS)[number]

const PLAIN =
  "{%- for message in messages -%}{{ message.role | capitalize }}: {{ message.content }}{{ '\\n\\n' if not loop.last or add_generation_prompt }}{%- endfor -%}" +
  "{%- if add_generation_prompt -%}{{ 'Assistant:' }}{%- endif -%}"

const CHATML =
  "{%- for message in messages -%}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor -%}" +
  "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"

/** A template by the name of its layout, and what ends a turn in it. */
export const FALLBACK_TEMPLATES: Readonly<Record<Fallback, { template: string; stop: readonly string[] }>> = {
  plain: { template: PLAIN, stop: ['\nUser:', '\nSystem:', '\nAssistant:'] },
  chatml: { template: CHATML, stop: ['<|im_end|>', '<|im_start|>'] },
}
