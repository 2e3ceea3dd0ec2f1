import 'react'

declare module 'react' {
  interface CSSProperties {
    /** Custom properties carry numbers from the data into the style sheets. */
    [property: `--${string}`]: string | number
  }
}
