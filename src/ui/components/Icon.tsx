/** Line icons on a 16 × 16 grid, drawn in the colour of the text around them. */
const PATHS = {
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3.05 3.05l1.06 1.06M11.9 11.9l1.05 1.05M3.05 12.95l1.06-1.06M11.9 4.1l1.05-1.05',
  moon: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8Z',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 2.5v11M8 5h4.6M8 8h5.5M8 11h4.6',
  open: 'M1.8 12.8V3.2h4l1.6 1.9h6.8v7.7Z',
  play: 'M4.5 2.8v10.4L12.8 8Z',
  stop: 'M3.8 3.8h8.4v8.4H3.8Z',
  forward: 'M3 3.4v9.2L9.4 8ZM12.6 3.4v9.2',
  reset: 'M3 3v3.4h3.4M3.3 6.2A5.2 5.2 0 1 1 2.8 8.6',
  shuffle:
    'M2 4.5h1.6c1.2 0 1.9.5 2.5 1.4l2.8 4.2c.6.9 1.3 1.4 2.5 1.4H14M2 11.5h1.6c1.2 0 1.9-.5 2.4-1.3M9.3 5.8c.6-.9 1.2-1.3 2.3-1.3H14M12 2.5l2 2-2 2M12 9.5l2 2-2 2',
  copy: 'M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  right: 'M6 3.5 10.5 8 6 12.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  warning: 'M8 2 14.6 13.4H1.4ZM8 6.4v3.4M8 11.6h.01',
  chat: 'M2.5 3h11v7.5H8L4.8 13v-2.5H2.5Z',
  text: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  sliders: 'M2 4.5h6.5M12 4.5h2M8.5 2.8v3.4M2 11.5h2M7.5 11.5H14M5.8 9.8v3.4',
  bars: 'M2.5 3.5h11M2.5 8h6M2.5 12.5h3',
  tree: 'M3.5 2v10.5H7M3.5 6.5H7M9 5h4.5v3H9ZM9 11h4.5v3H9Z',
  map: 'M8 1.5v13M1.5 4.5h3L8 6.5M14.5 8.5h-3L8 10.5M5.5 12 8 14.5l2.5-2.5',
  heads: 'M3 3v10h10ZM3 8h5M8 8v5',
  layers: 'M8 2 14 5 8 8 2 5ZM2 8l6 3 6-3M2 11l6 3 6-3',
  grid: 'M2.5 2.5h11v11h-11ZM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11',
  facts: 'M2.5 2.5h11v11h-11ZM5 6h6M5 8.5h6M5 11h3.5',
  stepNext: 'M5 3.4v9.2L11.4 8Z',
  stepBack: 'M11 3.4v9.2L4.6 8Z',
  layerNext: 'M2.5 3.6v8.8L7.6 8ZM7.6 3.6v8.8L12.7 8ZM13.6 3.4v9.2',
  layerBack: 'M13.5 3.6v8.8L8.4 8ZM8.4 3.6v8.8L3.3 8ZM2.4 3.4v9.2',
  toBreak: 'M2 8h7.2M6.4 5.2 9.2 8l-2.8 2.8M13 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z',
  pause: 'M5 3.2v9.6M11 3.2v9.6',
  keyboard: 'M1.5 4h13v8h-13ZM4 6.5h.01M6.7 6.5h.01M9.3 6.5h.01M12 6.5h.01M5 9.5h6',
  plus: 'M8 3.5v9M3.5 8h9',
  minus: 'M3.5 8h9',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  faders: 'M4 2v12M8 2v12M12 2v12M2.5 9.5h3M6.5 5h3M10.5 11h3',
  pair: 'M2 3.5h4.5v9H2ZM9.5 3.5H14v9H9.5Z',
  branch:
    'M4.5 5v6M4.5 2a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M4.5 11a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M11.5 3.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M11.5 6.5c0 3-7 1.5-7 4.5',
  grip: 'M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01',
  undo: 'M6.2 3 3 6.2l3.2 3.2M3.4 6.2h5.8a3.6 3.6 0 1 1 0 7.2H7',
  redo: 'M9.8 3 13 6.2 9.8 9.4M12.6 6.2H6.8a3.6 3.6 0 1 0 0 7.2H9',
  link: 'M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.4-2.4a2.6 2.6 0 0 0-3.7-3.7L8.3 4M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.1 9.2a2.6 2.6 0 0 0 3.7 3.7l.9-.9',
  check: 'M3 8.6l3.2 3.2L13 4.6',
  up: 'M3.5 10 8 5.5l4.5 4.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  navFold: 'M2.5 2.5h11v11h-11ZM6 2.5v11M11 6 9 8l2 2',
  navOpen: 'M2.5 2.5h11v11h-11ZM6 2.5v11M9 6l2 2-2 2',
  split: 'M2 4h5v8H2ZM9 4h2.5v8H9ZM13.5 4v8',
  funnel: 'M2.5 3h11L9.5 8v5l-3-1.6V8Z',
  gauge: 'M2.5 12a5.5 5.5 0 1 1 11 0M8 12l2.8-4',
  book: 'M8 4.3C6 3 4 2.9 2 3v9.5c2-.1 4 0 6 1.3 2-1.3 4-1.4 6-1.3V3c-2-.1-4 0-6 1.3v9.5',
  download: 'M8 2.5v7.2M5 7l3 2.8L11 7M3 13h10',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
