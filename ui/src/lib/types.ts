/// What crosses from the backend to the page: the shapes of the engine's status, as `tokenferry status --json` prints
/// them, and the answers to what the page asks. No token is in any of them. Times are RFC 3339 texts.

export type Time = string

export type VaultKind = 'keychain' | 'file' | 'memory'
export type AccountKind = 'sign_in' | 'one_year' | 'api_key'
export type AccountCode =
  | 'signed_out' | 'handing_over' | 'signing_in' | 'fresh' | 'renewing' | 'late' | 'offline' | 'needs_sign_in'
export type DestinationCode =
  | 'up_to_date' | 'due' | 'delivering' | 'waiting' | 'failing' | 'suggested' | 'foreign' | 'paused'
export type Way = 'window' | 'browser' | 'paste' | 'cli'
export type Phase = 'waiting' | 'google' | 'trading' | 'replace' | 'failed'
export type Page = 'accounts' | 'destinations' | 'add' | 'activity' | 'settings' | 'problems'

export interface View {
  at: Time
  provider: string | null
  vault: VaultKind
  kept_fresh: boolean
  paused: boolean
  quiet: boolean
  accounts: Account[]
  destinations: Destination[]
  copies_left: CopyLeft[]
  /// None where it can't be set here.
  start_at_login: boolean | null
  signing_in: SigningIn | null
  ways: Way[]
  version: string
}

export interface Identity {
  account_uuid: string | null
  email: string | null
  organization_uuid: string | null
  organization: string | null
  plan: string | null
  rate_limit_tier: string | null
}

/// What is wrong, and what to do about it. Commands reject with it, too.
export interface Trouble {
  code: string
  what: string
  fix: string
}

export interface Account {
  name: string
  kind: AccountKind
  code: AccountCode
  state: string
  identity: Identity
  access_token_ends: Time | null
  sign_in_ends: Time | null
  sign_in: string | null
  refresh_count: number
  updated: Time | null
  trouble: Trouble | null
  next_step: string
}

/// Where files lie; which fields are there tells which kind of place it is.
export interface Place {
  engine?: string
  volume?: string
  folder?: string
  directory?: string
  postgres?: string
  user_id?: string
  /// Namespace and name of a Secret.
  kubernetes?: string
  kube_context?: string | null
}

export interface Destination extends Place {
  name: string
  code: DestinationCode
  state: string
  account: string
  format: string
  delivered: Time | null
  read_back: Time | null
  fingerprint: string | null
  failing_since: Time | null
  trouble: Trouble | null
  next_step: string
}

export interface CopyLeft extends Place {
  account: string
  trouble: Trouble | null
}

export interface SigningIn {
  account: string
  way: Way
  phase: Phase
  url: string | null
  trouble: Trouble | null
  replaces: Replacing | null
}

export interface Replacing {
  kind: AccountKind
  earlier: Identity
  new: Identity
}

export interface Happened {
  at: Time
  kind: string
  account: string | null
  destination: string | null
  text: string
}

export interface UsageWindow {
  name: string
  /// In percent.
  used: number
  resets: Time | null
}

export interface UsedBy {
  container: string
  running: boolean
  at: string
  read_only: boolean
}

export interface Suggestion {
  name: string
  engine: string
  volume: string
  folder: string | null
  account: string | null
  labelled: boolean
  reasons: string[]
  remarks: string[]
  containers: UsedBy[]
}

export interface EngineTrouble {
  engine: string
  what: string
  fix: string
}

export interface Found {
  suggestions: Suggestion[]
  troubles: EngineTrouble[]
}

export interface Gone {
  reached: boolean
  text: string
}

export interface Delivered {
  destination: string
  ok: boolean
  text: string
  fix: string
}

export interface SignedOut {
  text: string
  left: string[]
}

export interface Problem {
  code: string
  what: string
  why: string
  fix: string
  can_mend: boolean
}

export interface Mended {
  what: string
  text: string
}
