/// The browser that the tests drive: the system's own, since none is downloaded.
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

export interface Look {
  theme: 'light' | 'dark'
  locale: 'en-GB' | 'de-DE'
  width?: number
  height?: number
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
}

export function context(browser: Browser, { theme, locale, width = 420, height = 640 }: Look): Promise<BrowserContext> {
  return browser.newContext({
    colorScheme: theme,
    locale,
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    viewport: { width, height },
  })
}

/// A page whose mistakes, and whatever it tries to load from elsewhere, are gathered.
export async function watched(context: BrowserContext): Promise<{ page: Page; mistakes: string[] }> {
  const page = await context.newPage()
  // Pictures of one day look like those of another.
  await page.clock.setFixedTime(new Date('2026-11-21T12:16:00+01:00'))
  const mistakes: string[] = []
  page.on('pageerror', (error) => mistakes.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') mistakes.push(message.text())
  })
  return { page, mistakes }
}

/// Shows a page of a scene, and waits until it has all that it asked for.
export async function show(page: Page, address: string, scene: string, name: string): Promise<void> {
  await page.goto(`${address}?scene=${scene}#${name}`)
  await page.locator('h1').waitFor()
  await settled(page)
}

/// Nothing is under way any more.
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('.busy, [aria-busy="true"]'))
  // What is asked for without a sign of it, such as the usage.
  await page.waitForTimeout(120)
}
