/// States in words: from the engine's code and times to the catalogue's sentence, and to the tone of its dot.
import type { Strings } from './strings/en'
import { daysLeft, far, moment } from './times'
import type { Account, Destination } from './types'

export type Tone = 'good' | 'quiet' | 'working' | 'attention' | 'trouble'

/// From this many days before it, the sign-in's end is said plainly.
const SOON_DAYS = 7
/// What is never renewed says so earlier, as the engine does.
const SOON_DAYS_ONE_YEAR = 30

/// What words depend on besides the state.
export interface Saying {
  t: Strings
  locale: string
  now: Date
  /// Whether some program keeps everything fresh.
  keptFresh: boolean
}

export function accountWords(account: Account, { t, locale, now, keptFresh }: Saying): string {
  const says = t.account
  const ends = account.access_token_ends
  const when = ends ? moment(ends, now, locale) : ''
  switch (account.code) {
    case 'signed_out':
      return account.updated === null ? says.signedOut : says.leaving
    case 'handing_over':
      return says.handingOver
    case 'signing_in':
      return says.signingIn
    case 'renewing':
      return says.renewing
    case 'late':
      return says.late(when)
    case 'offline':
      return keptFresh ? says.offline(when) : says.ended(when)
    case 'needs_sign_in':
      return account.kind === 'sign_in' ? says.needsSignIn : says.ended(when)
    case 'fresh':
      if (!ends) return says.good
      return account.kind === 'sign_in' ? says.freshUntil(when) : says.goodUntil(when)
  }
}

/// The sign-in's own end. `null` where nothing is known of it.
export function signInWords(account: Account, { t, locale, now }: Saying): string | null {
  if (account.kind === 'api_key') return t.account.noEnd
  if (account.kind === 'one_year') return t.account.inferenceOnly
  const ends = account.sign_in_ends
  if (!ends) return null
  const when = moment(ends, now, locale)
  return daysLeft(ends, now) < 0 ? t.account.signInEnded(when) : t.account.signInEnds(when, far(ends, now, locale))
}

export function tokenWords(account: Account, { t, locale, now }: Saying): string | null {
  const ends = account.access_token_ends
  if (!ends) return null
  const when = moment(ends, now, locale)
  return new Date(ends) <= now ? t.account.tokenEnded(when) : t.account.tokenEnds(when, far(ends, now, locale))
}

export function endsSoon(account: Account, now: Date): boolean {
  const soon = account.kind === 'one_year' ? SOON_DAYS_ONE_YEAR : SOON_DAYS
  return account.sign_in_ends !== null && daysLeft(account.sign_in_ends, now) <= soon
}

/// Whether somebody is signed in under its name, as far as it can be told without asking Claude.
export function isSignedIn(account: Account): boolean {
  return account.code !== 'signed_out' && account.code !== 'handing_over' && account.code !== 'signing_in'
}

/// What to do next in this window; empty where there is nothing to do.
export function accountStep(account: Account, { t, now, keptFresh }: Saying): string {
  const says = t.account
  switch (account.code) {
    case 'signing_in':
      return says.nextFinish
    case 'signed_out':
      return account.updated === null ? '' : says.nextLeaving
    case 'handing_over':
      return says.nextHanding
    case 'needs_sign_in':
      return account.kind === 'sign_in' ? says.nextSignIn : says.nextOneYear(account.name)
    default:
      if (account.code === 'offline' && !keptFresh) return says.nextOffline
      if (!endsSoon(account, now)) return ''
      if (account.kind === 'one_year') return says.nextOneYear(account.name)
      return account.sign_in_ends !== null && daysLeft(account.sign_in_ends, now) < 0 ? says.nextOver : says.nextSoon
  }
}

export function accountTone(account: Account, now: Date): Tone {
  switch (account.code) {
    case 'fresh':
      return endsSoon(account, now) ? 'attention' : 'good'
    case 'renewing':
    case 'signing_in':
      return 'working'
    case 'late':
    case 'signed_out':
    case 'handing_over':
      return 'quiet'
    case 'offline':
      return 'attention'
    case 'needs_sign_in':
      return 'trouble'
  }
}

export function destinationWords(destination: Destination, signedIn: boolean, { t, locale, now }: Saying): string {
  const says = t.destination
  switch (destination.code) {
    case 'up_to_date':
      return destination.read_back ? says.upToDate(moment(destination.read_back, now, locale)) : says.upToDatePlain
    case 'due':
      return signedIn ? says.due : says.dueSignedOut(destination.account)
    case 'delivering':
      return says.delivering
    case 'waiting':
      return says.waiting
    case 'failing':
      return destination.failing_since ? says.failingSince(moment(destination.failing_since, now, locale)) : says.failing
    case 'foreign':
      return says.foreign
    case 'paused':
      return says.paused
  }
}

export function destinationTone(destination: Destination): Tone {
  switch (destination.code) {
    case 'up_to_date':
      return 'good'
    case 'delivering':
      return 'working'
    case 'due':
    case 'waiting':
    case 'paused':
      return 'quiet'
    case 'failing':
    case 'foreign':
      return 'trouble'
  }
}

/// Whether a person has to do something about it.
export function needsPerson(tone: Tone): boolean {
  return tone === 'attention' || tone === 'trouble'
}

const URGENCY: Tone[] = ['trouble', 'attention', 'working', 'quiet', 'good']

/// What needs a person comes first; otherwise it stays as it is.
export function byUrgency(destinations: Destination[]): Destination[] {
  const rank = (it: Destination) => (needsPerson(destinationTone(it)) ? URGENCY.indexOf(destinationTone(it)) : URGENCY.length)
  return [...destinations].sort((a, b) => rank(a) - rank(b))
}
