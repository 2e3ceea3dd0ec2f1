export function wordTokenizer(
  words: readonly string[],
  mask?: string,
): { 'tokenizer.json': object; 'tokenizer_config.json': object }
