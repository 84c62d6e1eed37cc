// Signs in through the official CLI that runs beside the server: opens the address that it names, and brings it the code. Told
// each code, after its address was said.
import { atThePage, button, fair, says } from './person.mjs'

await atThePage(async ({ open, link }) => {
  const first = await open(link)
  const second = await open(first.url())
  const begins = async () => {
    await first.getByRole('button', { name: /^Through the official Claude CLI/ }).click()
    await first.getByLabel('Code').waitFor()
  }
  const said = async (page, text) => page.getByRole('log').getByText(text).waitFor()
  const address = async () => {
    await first.evaluate(() => { globalThis.open = (address) => { globalThis.opened = address } })
    await button(first, 'Open the page').click()
    return first.evaluate(() => globalThis.opened)
  }
  await button(first, 'Sign in…').click()
  await begins()
  // As it says it, in both pages: what it prints, and nothing of what its address carries.
  for (const page of [first, second]) {
    await said(page, 'Opening browser to sign in…')
    await said(page, 'Paste code here if prompted >')
    const log = await page.getByRole('log').textContent()
    if (!log.includes('/oauth/authorize?…') || /state=|challenge/.test(log)) throw new Error(log)
  }
  await fair(first, 'by the CLI')
  const wrong = await says(await address())
  await first.getByLabel('Code').fill(wrong)
  await first.keyboard.press('Enter')
  // Its last words tell why.
  await first.locator('dialog').getByText('The Claude CLI ended without a sign-in.').waitFor()
  await said(first, 'Couldn’t log in:'.replace('’', "'"))
  const log = await first.getByRole('log').textContent()
  if (log.includes(wrong)) throw new Error(log)
  await fair(first, 'the CLI has failed')
  await says('failed')

  await button(first, 'Begin again').click()
  await begins()
  await says(await address())
  await button(first, 'Cancel').click()
  await button(first, 'Sign in…').waitFor()
  await says('given up')

  await button(first, 'Sign in…').click()
  await begins()
  const code = await says(await address())
  await first.getByLabel('Code').fill(code)
  await first.keyboard.press('Enter')
  await first.getByText('ada@practice.example').first().waitFor()
  await second.getByText('ada@practice.example').first().waitFor()
  await says('signed in')
})
