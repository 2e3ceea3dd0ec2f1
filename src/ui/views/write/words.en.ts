/** Words of what the view of the text fetches once the page rests. */
export const writeEn = {
  'prompt.special': 'Read special tokens',
  'prompt.specialHint':
    'Special tokens that are written out, as <|end|>, are read as such in every view; off, they are letters like others',
  'runs.title': 'Past runs',
  'runs.clear': 'Clear',
  'runs.more': 'Show {count} more',
  'runs.restore': 'Bring back: {text}',
  'runs.restoreHint': 'Brings this text back with its prompt, settings, adapters and edits',
  'runs.remove': 'Remove from the list',
  'runs.copy': 'Copy the text',
  'runs.save': 'Save the text as a file',
  'runs.settings': 'T {temperature} · seed {seed}',
  'runs.edits': '{count} edit(s)',
  'runs.did.restore': 'Bring back a run',
} as const
