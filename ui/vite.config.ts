/// How the page is built: for the app's window (`vite build`), and with a backend in memory for looking and testing
/// (`vite build --mode practice`).
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

/// As strict as where the page is really shown.
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: { target: 'safari16', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  preview: { headers: { 'Content-Security-Policy': POLICY } },
})
