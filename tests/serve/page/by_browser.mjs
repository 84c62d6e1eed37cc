// Signs in by the browser of the machine that the server runs on: its page comes back to the server by itself.
import { atThePage, button, fair, provider } from './person.mjs'

await atThePage(async ({ context, open, link }) => {
  const page = await open(link)
  await button(page, 'Sign in…').click()
  await page.getByRole('button', { name: /^Use my browser/ }).click()
  // The server can't open a page for anybody: the person does.
  await page.getByText('Open the page and sign in there. This one goes on by itself.').waitFor()
  await fair(page, 'by the browser')
  const opened = await provider(context, page)
  await opened.getByLabel(/Grace/).check()
  await button(opened, 'Authorize').click()
  await opened.getByText('You are signed in').waitFor()
  if (new URL(opened.url()).search !== '') throw new Error('the code stayed in the address')
  await page.getByText('grace@practice.example').first().waitFor()

  // Who says no is told so, on both pages, and nothing is changed.
  await button(page, 'Add account…').click()
  await page.getByLabel('Name of the account').fill('work')
  await page.getByRole('button', { name: /^Use my browser/ }).click()
  const another = await provider(context, page)
  await button(another, 'Deny').click()
  await another.getByText('That did not work').waitFor()
  await page.locator('dialog').getByText('The sign-in was not granted (access_denied).').waitFor()
  await fair(page, 'denied')
  await button(page, 'Close').click()
  await page.getByText('grace@practice.example').first().waitFor()
  if (await page.getByText('work', { exact: true }).count() > 0) throw new Error('there is another account')
})
