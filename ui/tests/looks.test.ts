/// Every page, in light and dark, in both languages, in every scene: no mistake, nothing wider than the window, nothing
/// that axe finds serious. A picture of each is kept in `shots/`.
import { mkdirSync } from 'node:fs'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

import { context, launch, settled, show, watched, type Look } from './chromium'

const PAGES = ['accounts', 'destinations', 'add', 'activity', 'settings', 'problems']
const SCENES = ['empty', 'usual', 'many', 'errors', 'long-names']
const SHEETS = ['signing-in', 'cli', 'cli-failed', 'google', 'trading', 'replace', 'failed']
const LOOKS: Look[] = (['light', 'dark'] as const).flatMap((theme) =>
  (['en-GB', 'de-DE'] as const).map((locale) => ({ theme, locale })),
)

const address = inject('address')
let browser: Browser

beforeAll(async () => {
  mkdirSync('shots', { recursive: true })
  browser = await launch()
})
afterAll(() => browser?.close())

/// Whatever reaches beyond the window, or is cut off without a way to see it.
async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const wide: string[] = []
    for (const element of document.querySelectorAll('body *')) {
      const box = element.getBoundingClientRect()
      if (element.closest('pre, .unseen, svg')) continue
      if (box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5)) wide.push(`${element.tagName}.${element.className}`)
    }
    if (document.documentElement.scrollWidth > innerWidth) wide.push('the whole page')
    return wide
  })
}

async function serious(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }))
  return found.violations
    .filter((it) => it.impact === 'serious' || it.impact === 'critical')
    .map((it) => `${it.id}: ${it.nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`).join('\n  ')}`)
}

/// The colours are the same in every language, and axe takes its time.
async function looksGood(page: Page, mistakes: string[], file: string): Promise<void> {
  await page.screenshot({ path: `shots/${file}.png` })
  expect.soft(await tooWide(page), `${file}: too wide`).toEqual([])
  if (!/-(many|long-names)-.*-de$/.test(file)) expect.soft(await serious(page), `${file}: axe`).toEqual([])
  expect.soft(mistakes, `${file}: mistakes`).toEqual([])
}

describe.each(LOOKS)('$theme $locale', (look) => {
  const short = `${look.theme}-${look.locale.slice(0, 2)}`

  test.each(SCENES)('%s', async (scene) => {
    const shown = await context(browser, look)
    const { page, mistakes } = await watched(shown)
    for (const name of PAGES) {
      await show(page, address, scene, name)
      if (name === 'destinations' && scene !== 'empty') {
        await page.locator('button.opener').first().click()
        await settled(page)
      }
      await looksGood(page, mistakes, `${name}-${scene}-${short}`)
    }
    await shown.close()
  })

  test.each(SHEETS)('the sheet of a sign-in: %s', async (scene) => {
    const shown = await context(browser, look)
    const { page, mistakes } = await watched(shown)
    await page.goto(`${address}?scene=${scene}`)
    await page.locator('dialog[open]').waitFor()
    await looksGood(page, mistakes, `sheet-${scene}-${short}`)
    await shown.close()
  })

  test('the ways, a question, and a pause', async () => {
    const shown = await context(browser, look)
    const { page, mistakes } = await watched(shown)
    await show(page, address, 'usual', 'accounts')
    await page.locator('header button').click()
    await looksGood(page, mistakes, `sheet-ways-${short}`)
    await page.keyboard.press('Escape')
    await page.locator('.actions button').last().click()
    await looksGood(page, mistakes, `sheet-ask-${short}`)
    await show(page, address, 'paused', 'destinations')
    await looksGood(page, mistakes, `destinations-paused-${short}`)
    await shown.close()
  })
})

describe('other sizes', () => {
  test.each([
    ['phone', 360, 660],
    ['desk', 1180, 760],
  ] as const)('%s', async (size, width, height) => {
    const shown = await context(browser, { theme: 'light', locale: 'de-DE', width, height })
    const { page, mistakes } = await watched(shown)
    for (const scene of ['usual', 'long-names']) {
      for (const name of PAGES) {
        await show(page, address, scene, name)
        await looksGood(page, mistakes, `${name}-${scene}-${size}`)
      }
    }
    await shown.close()
  })
})
