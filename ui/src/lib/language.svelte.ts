/// Which language the page speaks: the system's, or one that was chosen and is remembered here.
import { de } from './strings/de'
import { en, type Strings } from './strings/en'

export type Choice = 'system' | 'en' | 'de'
export const CHOICES: readonly Choice[] = ['system', 'en', 'de']

const CATALOGUES = { en, de }
const KEY = 'language'

class Language {
  choice = $state<Choice>(remembered())
  code = $derived<'en' | 'de'>(this.choice === 'system' ? ofSystem(navigator.languages) : this.choice)
  t = $derived<Strings>(CATALOGUES[this.code])
  /// For `Intl`: the system's own variety of the language, where it has one.
  locale = $derived(varietyOf(this.code, navigator.languages))

  choose(choice: Choice): void {
    this.choice = choice
    try {
      localStorage.setItem(KEY, choice)
    } catch {
      // Without storage it lasts as long as the window.
    }
  }
}

/// The first of these that there is a catalogue for; English where there is none.
export function ofSystem(languages: readonly string[]): 'en' | 'de' {
  for (const language of languages) {
    const code = language.toLowerCase().split('-')[0]
    if (code === 'en' || code === 'de') return code
  }
  return 'en'
}

export function varietyOf(code: 'en' | 'de', languages: readonly string[]): string {
  const own = languages.find((language) => language.toLowerCase().startsWith(`${code}-`))
  return own ?? (code === 'en' ? 'en-GB' : 'de-DE')
}

function remembered(): Choice {
  try {
    const kept = localStorage.getItem(KEY)
    return CHOICES.find((choice) => choice === kept) ?? 'system'
  } catch {
    return 'system'
  }
}

export const language = new Language()
