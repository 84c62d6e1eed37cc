import { describe, expect, test } from 'vitest'

import { far, moment } from './times'

const now = new Date(2026, 10, 21, 10, 0)
const at = (...parts: [number, number, number, number, number]) => new Date(...parts).toISOString()

describe('the nearer the shorter', () => {
  test.each([
    [at(2026, 10, 21, 18, 40), '18:40', '18:40'],
    [at(2026, 10, 24, 18, 40), 'Tue 18:40', 'Di 18:40'],
    [at(2026, 10, 20, 8, 5), 'Fri 08:05', 'Fr 08:05'],
    [at(2026, 11, 20, 18, 40), '20 Dec, 18:40', '20. Dez., 18:40'],
    [at(2027, 0, 20, 0, 0), '20 Jan 2027, 00:00', '20. Jan. 2027, 00:00'],
  ])('%s', (time, english, german) => {
    expect(moment(time, now, 'en-GB')).toBe(english)
    expect(moment(time, now, 'de-DE')).toBe(german)
  })
})

test('how far off, in the largest unit', () => {
  expect(far(at(2026, 11, 20, 18, 40), now, 'en-GB')).toBe('in 29 days')
  expect(far(at(2026, 10, 21, 17, 30), now, 'de-DE')).toBe('in 7 Stunden')
  expect(far(at(2026, 10, 21, 10, 5), now, 'en-GB')).toBe('in 5 minutes')
})
