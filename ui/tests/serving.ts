/// Serves the practice build for the tests, with the same policy as where the page is really shown.
import { existsSync } from 'node:fs'
import { preview } from 'vite'
import type { TestProject } from 'vitest/node'

import { CHROMIUM } from './chromium'

declare module 'vitest' {
  export interface ProvidedContext {
    address: string
  }
}

export default async function serve(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`Chromium is missing (${CHROMIUM}). Install it (apt-get install chromium), or name it with CHROMIUM=/path/to/it.`)
  }
  if (!existsSync('dist-practice/index.html')) throw new Error('The practice build is missing: npm run build:practice')
  const server = await preview({ build: { outDir: 'dist-practice' }, preview: { port: 0, host: '127.0.0.1' }, logLevel: 'error' })
  const address = server.resolvedUrls?.local[0]
  if (!address) throw new Error('The page could not be served.')
  project.provide('address', address)
  return () => server.close()
}
