export const CONTENT: Readonly<Record<string, string>>
export const PRESSED: Readonly<Record<string, readonly string[] | undefined>>
