/// Two kinds of tests: units in a made-up browser, and the whole page in a real one.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    fileParallelism: false,
    projects: [
      {
        plugins: [svelte()],
        resolve: { conditions: ['browser'] },
        test: { name: 'units', environment: 'jsdom', include: ['src/**/*.test.ts'] },
      },
      {
        test: {
          name: 'page',
          environment: 'node',
          include: ['tests/**/*.test.ts'],
          globalSetup: 'tests/serving.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
