export function engineCommand(args: readonly string[]): { server: string; flags: string[]; url: string }
