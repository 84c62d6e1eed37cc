import { expect, test } from 'vitest'

import { account } from '../lib/backend/practice/samples'
import { de } from '../lib/strings/de'
import { en } from '../lib/strings/en'
import { replacing } from './replacing'

const ada = { ...account('', 'ada@example.org').identity, organization: 'Example Ltd' }
const nobody = { ...account('', null).identity, plan: null }

test('both are named, in the language of the page', () => {
  expect(replacing('work', { kind: 'sign_in', earlier: ada, new: nobody }, en.signIn)).toBe(
    'work is signed in as ada@example.org, Example Ltd (max). You are now signing in as somebody whose name Claude did not tell.',
  )
  expect(replacing('work', { kind: 'one_year', earlier: nobody, new: ada }, de.signIn)).toContain('Jetzt meldest du dich als ada@example.org')
})

test('a key belongs to nobody by name', () => {
  expect(replacing('work', { kind: 'api_key', earlier: nobody, new: ada }, en.signIn)).toMatch(/^work has an API key\. /)
})
