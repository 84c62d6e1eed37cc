/// What went wrong, in the words of this page where it has some, else in the backend's English.
import type { KnownError, Strings } from './strings/en'
import type { Trouble } from './types'

/// `lang` is the language of each part, for readers of screens.
export interface Told {
  what: string
  fix: string
  lang: { what: string; fix: string }
}

/// Whatever a call was rejected with, as a trouble.
export function troubleOf(thrown: unknown): Trouble {
  if (typeof thrown === 'object' && thrown !== null && 'what' in thrown && typeof thrown.what === 'string') {
    const { code, fix } = thrown as Partial<Trouble>
    return { code: code ?? '', what: thrown.what, fix: fix ?? '' }
  }
  return { code: 'unreachable', what: '', fix: '' }
}

/// The backend's own sentence says more, so it is kept where it is in the right language.
export function told(trouble: Trouble, t: Strings, code: 'en' | 'de'): Told {
  const known = Object.hasOwn(t.errors, trouble.code) ? t.errors[trouble.code as KnownError] : undefined
  const own = code === 'en' && trouble.what !== ''
  return {
    what: own || !known ? trouble.what : known.what,
    fix: known?.fix ?? trouble.fix,
    lang: { what: own || !known ? 'en' : code, fix: known ? code : 'en' },
  }
}
