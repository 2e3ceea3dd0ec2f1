/** The list of bundled models, resolved beside the page or beside `dist`. */
export function modelsUrl(): URL {
  // Built, this module lies one folder below dist; the development server maps public/ to the root the same way.
  const base = import.meta.env?.MODE === 'test' ? '../public/models.json' : '../models.json'
  return new URL(base, import.meta.url)
}
