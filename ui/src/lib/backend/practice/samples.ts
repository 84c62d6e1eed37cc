/// Made-up accounts, destinations and happenings. Nobody and nothing in them is real.
import type { Account, Destination, Happened, HappenedKind, VolumePlace } from '../../types'

const HOUR = 3_600_000

/// The time so many hours from now.
export function inHours(hours: number): string {
  return new Date(Date.now() + hours * HOUR).toISOString()
}

export function account(name: string, email: string | null, change: Partial<Account> = {}): Account {
  return {
    name,
    kind: 'sign_in',
    code: 'fresh',
    state: 'Fresh',
    identity: {
      account_uuid: null,
      email,
      organization_uuid: null,
      organization: null,
      plan: 'max',
      rate_limit_tier: null,
    },
    access_token_ends: inHours(6.4),
    sign_in_ends: inHours(24 * 26.5),
    sign_in: 'Signed in',
    refresh_count: 11,
    updated: inHours(-1.6),
    trouble: null,
    next_step: '',
    ...change,
  }
}

/// What a destination tells, wherever it is.
type Told = Omit<Destination, keyof VolumePlace>

function told(name: string): Told {
  return {
    name,
    code: 'up_to_date',
    state: 'Up to date',
    account: 'default',
    format: 'claude-code',
    delivered: inHours(-1.6),
    read_back: inHours(-0.4),
    fingerprint: '5f2c0d9e',
    failing_since: null,
    trouble: null,
    next_step: '',
  }
}

export function volume(name: string, change: Partial<Told & VolumePlace> = {}): Destination {
  return { ...told(name), engine: 'default', volume: name, folder: '', ...change }
}

export function directory(name: string, path: string, change: Partial<Told> = {}): Destination {
  return { ...told(name), directory: path, ...change }
}

export function happened(hours: number, kind: HappenedKind, text: string, change: Partial<Happened> = {}): Happened {
  return { at: inHours(hours), kind, account: null, destination: null, text, took_ms: null, ...change }
}
