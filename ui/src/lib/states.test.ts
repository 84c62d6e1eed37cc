import { describe, expect, test } from 'vitest'

import { account, directory, volume } from './backend/practice/samples'
import { accountStep, accountTone, accountWords, byUrgency, destinationTone, destinationWords, signInWords, type Saying } from './states'
import { de } from './strings/de'
import { en } from './strings/en'
import type { AccountCode, DestinationCode } from './types'

const now = new Date(2026, 10, 21, 10, 0)
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).toISOString()
const english: Saying = { t: en, locale: 'en-GB', now, keptFresh: true }
const german: Saying = { t: de, locale: 'de-DE', now, keptFresh: true }
const one = (code: AccountCode) => account('default', null, { code, access_token_ends: at(21, 18, 40), sign_in_ends: at(30, 12) })

describe('an account', () => {
  test.each<[AccountCode, string]>([
    ['signing_in', 'Signing in'],
    ['fresh', 'Fresh until 18:40'],
    ['renewing', 'Renewing'],
    ['late', 'Good until 18:40, Claude can’t be reached'],
    ['offline', 'Ended at 18:40, trying again'],
    ['needs_sign_in', 'Sign in again'],
  ])('%s', (code, words) => {
    expect(accountWords(one(code), english)).toBe(words)
    expect(accountWords(one(code), german)).not.toBe(words)
  })

  test('where nothing keeps it fresh, nobody tries again', () => {
    const left = { ...english, keptFresh: false }
    expect(accountWords(one('offline'), left)).toBe('Ended at 18:40')
    expect(accountStep(one('offline'), left)).toContain('Renew')
  })

  test('being handed over is not leaving', () => {
    expect(accountWords(one('signed_out'), english)).toContain('could not be told')
    expect(accountWords(one('handing_over'), english)).toContain('handed over')
  })

  test('the end of the sign-in is said, and from seven days before there is something to do', () => {
    expect(signInWords(one('fresh'), english)).toBe('until 30 Nov, 12:00, in 9 days')
    expect([accountTone(one('fresh'), now), accountStep(one('fresh'), english)]).toEqual(['good', ''])
    const soon = { ...one('fresh'), sign_in_ends: at(24, 12) }
    expect(accountTone(soon, now)).toBe('attention')
    expect(accountStep(soon, english)).toBe(en.account.nextSoon)
    expect(accountStep({ ...soon, sign_in_ends: at(20, 12) }, english)).toBe(en.account.nextOver)
  })

  test('a key has no clock', () => {
    const key = account('key', null, { kind: 'api_key', access_token_ends: null, sign_in_ends: null })
    expect([accountWords(key, english), signInWords(key, english), accountStep(key, english)]).toEqual(['Good', en.account.noEnd, ''])
  })
})

describe('a destination', () => {
  test.each<[DestinationCode, string]>([
    ['up_to_date', 'Up to date, read back 09:30'],
    ['due', 'Due'],
    ['delivering', 'Delivering'],
    ['waiting', 'Waiting for Docker'],
    ['failing', 'Failing since Fri 09:00'],
    ['foreign', 'Holds somebody else’s sign-in'],
    ['paused', 'Paused'],
  ])('%s', (code, words) => {
    const place = volume('it', { code, read_back: at(21, 9, 30), failing_since: at(20, 9) })
    expect(destinationWords(place, true, english)).toBe(words)
    expect(destinationWords(place, true, german)).not.toBe(words)
  })

  test('whose account is away says so', () => {
    expect(destinationWords(volume('it', { code: 'due' }), false, english)).toBe('Due, when default is signed in')
  })

  test('what needs a person comes first, and the rest stays in its order', () => {
    const all = [volume('a'), volume('b', { code: 'waiting' }), directory('c', '/c', { code: 'failing' }), volume('d')]
    expect(byUrgency(all).map((it) => it.name)).toEqual(['c', 'a', 'b', 'd'])
    expect(destinationTone(volume('b', { code: 'waiting' }))).toBe('quiet')
  })
})
