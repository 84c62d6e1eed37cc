import { expect, test } from 'vitest'

import { de } from './de'
import { en } from './en'

/// Every key with what stands there, however deep; functions with how much they are told.
function leaves(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`))
  }
  return [[path, typeof value === 'function' ? `function of ${value.length}` : String(value)]]
}

test('every language says everything', () => {
  const kinds = (of: unknown) => leaves(of).map(([path, value]) => [path, value.startsWith('function') ? value : 'text'])
  expect(kinds(de)).toEqual(kinds(en))
  for (const [path, value] of [...leaves(en), ...leaves(de)]) expect(value.trim(), path).not.toBe('')
})

test('German is German', () => {
  const same = leaves(en).filter(([path, value]) => value.length > 24 && leaves(de).some((it) => it[0] === path && it[1] === value))
  expect(same).toEqual([])
})
