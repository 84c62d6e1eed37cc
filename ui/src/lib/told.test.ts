import { expect, test } from 'vitest'

import { de } from './strings/de'
import { en } from './strings/en'
import { told, troubleOf } from './told'

test('known troubles are told in the language of the page, with what can be done here', () => {
  const trouble = { code: 'needs_sign_in', what: 'default was refused.', fix: 'Run `tokenferry login`.' }
  expect(told(trouble, en, 'en')).toMatchObject({ what: 'default was refused.', fix: en.errors.needs_sign_in.fix })
  expect(told(trouble, de, 'de')).toMatchObject({ ...de.errors.needs_sign_in, lang: { what: 'de', fix: 'de' } })
})

test('others keep the words they came with, marked as English', () => {
  const trouble = { code: 'toString', what: 'Odd.', fix: 'Try again.' }
  expect(told(trouble, de, 'de')).toEqual({ what: 'Odd.', fix: 'Try again.', lang: { what: 'en', fix: 'en' } })
})

test('whatever is thrown becomes a trouble', () => {
  expect(troubleOf({ code: 'x', what: 'What.', fix: 'Fix.' })).toEqual({ code: 'x', what: 'What.', fix: 'Fix.' })
  expect(troubleOf(new Error('no command')).code).toBe('unreachable')
})
