// A person at the page of a real server, in a real browser: signs in by pasting, sees it live in a second page, signs out. Told
// on standard input where to begin and when to go on; says on standard output how far it is.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const [ui, browser] = process.argv.slice(2)
const require = createRequire(`${ui}/package.json`)
const { chromium } = require('playwright-core')
const axe = require.resolve('axe-core/axe.min.js')
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const told = async () => (await lines.next()).value
const say = (word) => process.stdout.write(`${word}\n`)

const mistakes = []
const shown = await chromium.launch({ executablePath: browser, args: ['--no-sandbox', '--disable-gpu'] })
const looks = [
  { colorScheme: 'light', viewport: { width: 1100, height: 760 } },
  { colorScheme: 'dark', viewport: { width: 390, height: 800 } },
]
const context = await shown.newContext({ ...looks[0], locale: 'en-GB', reducedMotion: 'reduce' })
const open = async () => {
  const page = await context.newPage()
  page.on('pageerror', (error) => mistakes.push(error.message))
  page.on('console', (message) => { if (message.type() === 'error') mistakes.push(message.text()) })
  page.on('request', (request) => { if (new URL(request.url()).origin !== origin) mistakes.push(`asks ${request.url()}`) })
  return page
}

/// Nothing serious that keeps somebody out, in either look.
async function fair(page, where) {
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.colorScheme })
    await page.setViewportSize(look.viewport)
    // Not by a tag: the page's policy allows none.
    await page.evaluate(await (await import('node:fs/promises')).readFile(axe, 'utf8'))
    const { violations } = await page.evaluate(() => globalThis.axe.run())
    const serious = violations.filter((it) => ['serious', 'critical'].includes(it.impact))
    if (serious.length > 0) throw new Error(`${where}, ${look.colorScheme}: ${JSON.stringify(serious, null, 1)}`)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    if (wide) throw new Error(`${where} is wider than a screen of ${look.viewport.width}`)
  }
  await page.setViewportSize(looks[0].viewport)
}

const link = await told()
const origin = new URL(link).origin
try {
  const first = await open()
  await first.goto(link)
  await first.getByRole('button', { name: 'Sign in…' }).waitFor()
  if (first.url().includes('#tfl_')) throw new Error('the key stayed in the address')
  await fair(first, 'nobody signed in')
  const second = await open()
  await second.goto(first.url())
  await second.getByRole('button', { name: 'Sign in…' }).waitFor()
  say('in')

  await first.getByRole('button', { name: 'Sign in…' }).click()
  await first.getByRole('button', { name: /^Paste a code/ }).click()
  await first.locator('dialog input').waitFor()
  await fair(first, 'the sheet of a sign-in')
  // The provider's page is one of its own, and knows nothing of ours.
  const opened = context.waitForEvent('page')
  await first.getByRole('button', { name: 'Open the page' }).click()
  const provider = await opened
  const code = await provider.locator('#code').textContent()
  if (await provider.evaluate(() => globalThis.opener !== null || document.referrer !== '')) throw new Error('it sees us')
  await provider.close()
  await first.locator('dialog input').fill(code)
  await first.keyboard.press('Enter')
  await first.getByText('ada@practice.example').first().waitFor()
  await second.getByText('ada@practice.example').first().waitFor()
  say('signed in')
  await fair(first, 'signed in')

  // What is done in a terminal is seen in both.
  await told()
  for (const page of [first, second]) {
    await page.getByRole('button', { name: /^Settings/ }).or(page.getByRole('link', { name: /^Settings/ })).first().click()
    await page.getByRole('switch').or(page.getByRole('checkbox')).first().waitFor()
    await fair(page, 'settings')
    await page.getByRole('button', { name: /^Accounts/ }).or(page.getByRole('link', { name: /^Accounts/ })).first().click()
  }
  await second.getByRole('button', { name: 'Sign out…' }).click()
  await second.getByRole('button', { name: 'Sign out', exact: true }).click()
  await first.getByRole('button', { name: 'Sign in…' }).waitFor()
  say('signed out')
  await told()
  // The server is gone and is there again: the page goes on by itself.
  await first.getByText('ada@practice.example').first().waitFor({ timeout: 20000 })
  say('again')
  const expected = (it) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(it)
  const others = mistakes.filter((it) => !expected(it))
  if (others.length > 0) throw new Error(others.join('\n'))
} finally {
  await shown.close()
  // Whoever listens there is not waited for.
  process.stdin.destroy()
}
