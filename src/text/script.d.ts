/** A module bundled into the text of a classic script, see `vite.transformers.ts`. */
declare module '*?script' {
  const source: string
  export default source
}
