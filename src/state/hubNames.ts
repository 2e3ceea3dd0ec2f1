/** A model of the hub by its name or a link to it; addresses of folders begin or end otherwise. */
export function isOnHub(text: string): boolean {
  if (/^https?:\/\/(huggingface|hf)\.co\//i.test(text)) return true
  return /^[\w-][\w.-]*\/[\w-][\w.-]*(@[^\s]+|\/.+\.gguf)?$/i.test(text)
}
