export function parseRange(
  header: string | undefined,
  size: number,
): { begin: number; end: number } | 'whole' | 'unsatisfiable'

export function serve(
  folder: string,
  options?: { port?: number; base?: string },
): Promise<{ url: string; close: () => Promise<void> }>
