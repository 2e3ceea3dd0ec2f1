/** Custom properties carry numbers from the data into the style sheets. */
export type CustomProperty = `--${string}`

declare module 'react' {
  interface CSSProperties {
    [property: CustomProperty]: string | number
  }
}
