// A person at the page of a real server, in a real browser. Told on standard input where to begin and when to go on; says on
// standard output how far they are. Whatever the page does wrong meanwhile fails the test.
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const [ui, browser] = process.argv.slice(2)
const require = createRequire(`${ui}/package.json`)
const { chromium } = require('playwright-core')
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8')
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const LOOKS = [
  { colorScheme: 'light', viewport: { width: 1100, height: 760 } },
  { colorScheme: 'dark', viewport: { width: 390, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 1100, height: 760 } },
  { colorScheme: 'light', viewport: { width: 390, height: 800 } },
]
// What a browser says of a server that ends and begins anew.
const AWAY = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/

/// The next line that is told.
export const told = async () => (await lines.next()).value
/// Says how far it is, and waits for the word to go on.
export async function says(word) {
  process.stdout.write(`${word}\n`)
  return told()
}

/// Sits down at the page of the link that is told first, does all this, and gets up again.
export async function atThePage(does) {
  const shown = await chromium.launch({ executablePath: browser, args: ['--no-sandbox', '--disable-gpu'] })
  const mistakes = []
  try {
    const link = await told()
    const origin = new URL(link).origin
    const context = await shown.newContext({ ...LOOKS[0], locale: 'en-GB', reducedMotion: 'reduce' })
    const open = async (address) => {
      const page = await context.newPage()
      page.on('pageerror', (error) => mistakes.push(error.message))
      page.on('console', (message) => { if (message.type() === 'error') mistakes.push(message.text()) })
      page.on('request', (request) => { if (new URL(request.url()).origin !== origin) mistakes.push(`asks ${request.url()}`) })
      await page.goto(address)
      // A link's page leads to the other.
      await page.locator('nav').waitFor()
      return page
    }
    await does({ context, open, link })
    const others = mistakes.filter((it) => !AWAY.test(it))
    if (others.length > 0) throw new Error(others.join('\n'))
  } catch (wrong) {
    const pages = shown.contexts().flatMap((context) => context.pages())
    for (const page of pages) console.error(`--- ${page.url()}\n${await page.locator('body').innerText().catch(String)}`)
    throw wrong
  } finally {
    await shown.close()
    // Whoever listens there is not waited for.
    process.stdin.destroy()
  }
}

/// Nothing serious that keeps somebody out, in any look, and nothing wider than the screen. A picture of each is kept where
/// `TOKENFERRY_TEST_SHOTS` says.
export async function fair(page, where) {
  for (const { colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(viewport)
    const shots = process.env.TOKENFERRY_TEST_SHOTS
    const name = `serve-${where.replaceAll(' ', '-')}-${colorScheme}-${viewport.width}`
    if (shots) await page.screenshot({ path: `${shots}/${name}.png` })
    // Not by a tag: the page's policy allows none.
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => globalThis.axe.run())
    const serious = violations.filter((it) => ['serious', 'critical'].includes(it.impact))
    if (serious.length > 0) throw new Error(`${name}: ${JSON.stringify(serious, null, 1)}`)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    if (wide) throw new Error(`${name} is wider than its screen`)
  }
  await page.emulateMedia({ colorScheme: LOOKS[0].colorScheme })
  await page.setViewportSize(LOOKS[0].viewport)
}

/// Goes to a page of the window by the bar.
export async function go(page, name) {
  await page.locator('nav').getByRole('link', { name: new RegExp(`^${name}`) }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/// The button that says this, exactly.
export const button = (page, name) => page.getByRole('button', { name, exact: true })

/// The page that the button of a sign-in opens: one of the provider's own, that knows nothing of ours.
export async function provider(context, page) {
  const opening = context.waitForEvent('page')
  await button(page, 'Open the page').click()
  const opened = await opening
  await opened.waitForLoadState()
  if (await opened.evaluate(() => globalThis.opener !== null || document.referrer !== '')) throw new Error('it sees us')
  return opened
}
