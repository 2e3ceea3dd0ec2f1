import { defineConfig } from 'vite'
import { transformers } from './vite.transformers.ts'

const rolldownOptions = { external: ['webgpu', /^node:/], checks: { pluginTimings: false } }

/** The library: one module for browser and Node, another for what is measured with it; shaders inside, workers beside. */
export default defineConfig({
  base: './',
  publicDir: false,
  plugins: [transformers()],
  worker: { format: 'es', plugins: () => [transformers()], rolldownOptions },
  build: {
    target: 'es2022',
    outDir: 'dist/lib',
    emptyOutDir: true,
    sourcemap: true,
    // Readable: its users step through it, and their own bundler makes it small.
    minify: false,
    lib: {
      entry: { index: 'src/index.ts', analysis: 'src/analysis/index.ts' },
      formats: ['es'],
    },
    rolldownOptions,
  },
})
