/** A shader without comments, blank lines and indentation: what a driver needs of it. WGSL has no strings, so `//` always begins a comment. */
export function plainWgsl(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/\/\/.*$/, '').trim())
  return lines.filter((line) => line !== '').join('\n')
}
