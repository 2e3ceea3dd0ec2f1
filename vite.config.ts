import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { offline } from './vite.offline.ts'
import { plainShaders } from './vite.shaders.ts'
import { transformers } from './vite.transformers.ts'

/**
 * Everything comes from the page's own folder. Whom the page may ask stands open here and is closed by `policy.js`, document by
 * document: see docs/decisions/page-security.md.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self' data:",
  "img-src 'self' data: blob:",
  "manifest-src 'self'",
  "worker-src 'self' blob:",
  "connect-src 'self' https: http:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** Writes the policy into the built page; the development server needs inline scripts and a socket, so it goes without. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  }
}

const rolldownOptions = {
  // Reached only by imports that run in Node: left as they are instead of being bundled as empty stand-ins.
  external: ['webgpu', /^node:/],
  // How long plugins take is no fault of a build.
  checks: { pluginTimings: false },
}

export default defineConfig({
  // Relative addresses: the built page works at any path of any static host.
  base: './',
  plugins: [react(), transformers(), plainShaders(), offline(), contentSecurityPolicy()],
  // While developing as well: it resolves light-dark() in variables, which canvases read.
  css: { transformer: 'lightningcss' },
  worker: { format: 'es', plugins: () => [transformers(), plainShaders()], rolldownOptions },
  build: {
    // Every browser with WebGPU runs this; nothing is transformed for others.
    target: 'es2022',
    modulePreload: { polyfill: false },
    sourcemap: true,
    rolldownOptions,
  },
})
