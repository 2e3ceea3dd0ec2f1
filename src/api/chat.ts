/**
 * A message as the model's template takes it: any role that it knows (system, user, assistant, tool, developer, …), a
 * text or parts of one, and whatever else it reads: `tool_calls`, `tool_call_id`, `name`, `reasoning_content`, ….
 */
export interface ChatMessage {
  role: string
  content?: string | null | readonly unknown[]
  [field: string]: unknown
}

/** What a template may read besides messages. */
export interface ChatOptions {
  /** JSON schemas of functions. */
  tools?: readonly unknown[] | null | undefined
  documents?: readonly unknown[] | null | undefined
  /** Ends the text where the assistant begins to speak. */
  addGenerationPrompt?: boolean | undefined
  /** Ends the text where the last message ends, for the model to go on with it. */
  continueFinalMessage?: boolean | undefined
  /** What the template takes for the present, read in local time; the real one by default. */
  now?: Date | undefined
  /** A template in place of the model's own, with the model's special tokens. */
  template?: string | undefined
  /** More variables, such as `enable_thinking`; they win over special tokens. */
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/** A variable that a template reads and only its caller sets. */
export interface TemplateVariable {
  name: string
  /** Constants that the template compares it with or puts in its place: what it may be. */
  values: readonly (string | number | boolean)[]
}

/** What a template reads, as its code says it. */
export interface TemplateReads {
  /** `messages`, `tools`, `enable_thinking`, special tokens, …. */
  variables: readonly TemplateVariable[]
  /** Roles that messages are compared with. */
  roles: readonly string[]
  /** Names of fields that are looked up in anything: `tool_calls`, `reasoning_content`, …. */
  fields: readonly string[]
  /** Whether it asks for the present. */
  readsClock: boolean
}

/** A model's chat template. */
export interface ChatTemplateInfo {
  /** Names of the model's templates; one without a name is `default`. */
  names: readonly string[]
  /** Text of the one for chats without tools; null when there is none. */
  source: string | null
  /** Special tokens by the names that templates read. */
  specialTokens: Readonly<Record<string, string>>
  /** Null without a template, or when it cannot be read. */
  reads: TemplateReads | null
  /** Why the template cannot be used, with its line where that is known; null when it can. */
  problem: string | null
}
