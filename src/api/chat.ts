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
  /** More variables, such as `enable_thinking`; they win over special tokens. */
  kwargs?: Readonly<Record<string, unknown>> | undefined
}
