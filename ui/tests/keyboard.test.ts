/// A person without a mouse: through the pages, a sign-in, a sync, a new destination, and out again.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, afterEach, expect, inject, test } from 'vitest'

import { context, launch, settled, show, watched } from './chromium'

const address = inject('address')
let browser: Browser
let shown: BrowserContext
let page: Page
let mistakes: string[]

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())
beforeEach(async () => {
  shown = await context(browser, { theme: 'light', locale: 'en-GB' })
  ;({ page, mistakes } = await watched(shown))
})
afterEach(async () => {
  expect(mistakes).toEqual([])
  await shown.close()
})

const focused = () =>
  page.evaluate(() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim())

/// Tabs on until this has the focus, which can be seen there.
async function tabTo(name: string | RegExp): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    const here = await focused()
    if (typeof name === 'string' ? here === name : name.test(here)) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
      expect(outline, `the focus on ${here} can be seen`).not.toBe('none')
      return
    }
  }
  throw new Error(`${name} is not reached by Tab`)
}

const said = (text: string | RegExp) => page.locator('[role=status]', { hasText: text }).waitFor({ state: 'attached' })

test('the pages, by Tab and by their numbers', async () => {
  await show(page, address, 'usual', 'accounts')
  await tabTo('Activity')
  await page.keyboard.press('Enter')
  await page.locator('h1', { hasText: 'Activity' }).waitFor()
  expect(await page.locator('[aria-current=page]').textContent()).toContain('Activity')
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1')
  await page.keyboard.press('Control+4')
  await page.locator('h1', { hasText: 'Settings' }).waitFor()
})

test('signing in by a code, with a mistake on the way', async () => {
  await show(page, address, 'empty', 'accounts')
  await tabTo('Sign in…')
  await page.keyboard.press('Enter')
  await tabTo(/^Paste a code/)
  await page.keyboard.press('Enter')
  await page.locator('dialog', { hasText: 'Waiting for you' }).waitFor()
  await page.locator('dialog input').focus()
  await page.keyboard.type('half')
  await page.keyboard.press('Enter')
  await page.locator('dialog', { hasText: 'only a part of the code' }).waitFor()
  await page.locator('dialog input').focus()
  await page.keyboard.type('whole#code')
  await page.keyboard.press('Enter')
  await said('Signed in as grace@example.org.')
  expect(await page.locator('dialog').count()).toBe(0)
})

test('Esc closes a sheet and gives the focus back; a question has its harmless answer ready', async () => {
  await show(page, address, 'usual', 'accounts')
  await tabTo('Sign out…')
  await page.keyboard.press('Enter')
  expect(await focused()).toBe('Cancel')
  await page.keyboard.press('Escape')
  await page.locator('dialog').waitFor({ state: 'detached' })
  expect(await focused()).toBe('Sign out…')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await said('Signed out default.')
  await page.locator('h2', { hasText: 'Nobody is signed in yet' }).waitFor()
})

test('a sync is told, and a destination is opened and removed', async () => {
  await show(page, address, 'usual', 'destinations')
  await tabTo('Sync all')
  await page.keyboard.press('Enter')
  await said('Delivered to 3 places')
  await tabTo(/^claude-auth/)
  await page.keyboard.press('Enter')
  await tabTo('Compose lines')
  await page.keyboard.press('Enter')
  await page.locator('pre', { hasText: 'external: true' }).waitFor()
  await tabTo('Remove…')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await said('Removed claude-auth.')
  expect(await page.locator('button.opener').count()).toBe(2)
})

test('what was found is added, and stands open with its lines at hand', async () => {
  await show(page, address, 'usual', 'add')
  await tabTo('Add sandbox')
  await page.keyboard.press('Enter')
  await page.locator('h1', { hasText: 'Destinations' }).waitFor()
  await settled(page)
  expect(await page.locator('button.opener', { hasText: 'sandbox' }).getAttribute('aria-expanded')).toBe('true')
})

test('a folder by hand', async () => {
  await show(page, address, 'empty', 'add')
  await page.getByLabel('Docker volume').focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Tab')
  await page.keyboard.type('/srv/claude')
  await page.keyboard.press('Tab')
  await page.keyboard.type('server')
  await page.keyboard.press('Enter')
  await page.locator('button.opener', { hasText: 'server' }).waitFor()
})

test('what fails is told where it fails', async () => {
  await show(page, address, 'errors', 'problems')
  await tabTo('Mend what can be mended')
  await page.keyboard.press('Enter')
  await said('the disk is full')
  await page.locator('.notice.trouble', { hasText: 'Make room' }).waitFor()
})

test('the language is chosen, and remembered', async () => {
  await show(page, address, 'usual', 'settings')
  await page.locator('select').selectOption('de')
  await page.locator('h1', { hasText: 'Einstellungen' }).waitFor()
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('de')
  await page.reload()
  await page.locator('h1', { hasText: 'Einstellungen' }).waitFor()
})
