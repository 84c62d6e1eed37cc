/// What crosses from the backend to the page; no token is in any of it. Times are RFC 3339 texts.
/// Written by `make types` from the Rust types: change those.

/// An account, told to a person.
export type Account = {
  /// Its name.
  name: string
  /// What is kept for it.
  kind: AccountKind
  /// Its state.
  code: AccountCode
  /// Its state in words.
  state: string
  /// Who it is.
  identity: Identity
  /// When the access token ends; none for an API key, which has no end.
  access_token_ends: string | null
  /// When the sign-in ends; the token's own end where it is a one-year token.
  sign_in_ends: string | null
  /// The sign-in's end in words; what it is, where it is none.
  sign_in: string | null
  /// Renewals since the sign-in.
  refresh_count: number
  /// When the record was last changed.
  updated: string | null
  /// What is wrong, if anything.
  trouble: Trouble | null
  /// What to do next; empty where there is nothing to do.
  next_step: string
}

/// Where an account stands.
export type AccountCode = 'signed_out' | 'handing_over' | 'signing_in' | 'fresh' | 'renewing' | 'late' | 'offline' | 'needs_sign_in'

/// What is kept for an account.
export type AccountKind = 'sign_in' | 'one_year' | 'api_key'

/// The user's own name for an account: letters, digits, `.`, `_`, `-` and `@`, and no more than 64 of them.
export type AccountName = string

/// A copy that shall go and could not be reached yet.
export type CopyLeft = {
  /// Whose it is.
  account: string
  /// What stood in the way.
  trouble: Trouble | null
} & (VolumePlace | {
  /// Its absolute path.
  directory: string
} | PostgresPlace | { kubernetes: string, kube_context: string | null })

/// What became of a delivery.
export type Delivered = {
  /// Where to.
  destination: string
  /// Whether it arrived.
  ok: boolean
  /// In a sentence.
  text: string
  /// What to do; empty where it arrived.
  fix: string
}

/// A destination, told to a person.
export type Destination = {
  /// Its name.
  name: string
  /// Its state.
  code: DestinationCode
  /// Its state in words.
  state: string
  /// Whose token it gets.
  account: string
  /// In which format.
  format: string
  /// When a token was last delivered.
  delivered: string | null
  /// When it was last read back.
  read_back: string | null
  /// The fingerprint of what was last read back.
  fingerprint: string | null
  /// Since when it fails.
  failing_since: string | null
  /// What is wrong, if anything.
  trouble: Trouble | null
  /// What to do next; empty where there is nothing to do.
  next_step: string
} & (VolumePlace | {
  /// Its absolute path.
  directory: string
} | PostgresPlace | { kubernetes: string, kube_context: string | null })

/// Where a destination stands.
export type DestinationCode = 'up_to_date' | 'due' | 'delivering' | 'waiting' | 'failing' | 'foreign' | 'paused'

/// The user's name for a destination: letters, digits, and `.`, `_`, `-`, at most 64 of them.
export type DestinationName = string

/// What stands in the way of looking, or of delivering there.
export type EngineTrouble = {
  /// On which engine.
  engine: string
  /// What happened.
  what: string
  /// What to do.
  fix: string
}

/// A folder inside of a volume: relative, names joined by `/`.
export type Folder = string

/// What was found on the engines.
export type Found = {
  /// Places that wait for a sign-in.
  suggestions: Array<Suggestion>
  /// Where it could not be looked, or what else is wrong there.
  troubles: Array<EngineTrouble>
}

/// What became of a copy, in words.
export type Gone = {
  /// Whether its place could be reached.
  reached: boolean
  /// In a sentence.
  text: string
}

/// Something that happened.
export type Happened = {
  /// When.
  at: string
  /// What kind.
  kind: HappenedKind
  /// To which account.
  account: string | null
  /// At which destination.
  destination: string | null
  /// In a sentence.
  text: string
  /// How long it took, in milliseconds: a renewal from the question to what is stored of its answer, a delivery from the
  /// wish to what was read back.
  took_ms: number | null
}

/// What kind of thing happened.
export type HappenedKind = 'started' | 'stopped' | 'signed_in' | 'signed_out' | 'renewed' | 'renewal_failed' | 'refused' | 'ends_soon' | 'ended' | 'handed_over' | 'delivered' | 'healed' | 'delivery_failed' | 'withdrawn' | 'proved' | 'disproved' | 'destination_changed' | 'engine_lost' | 'engine_found' | 'grant_changed' | 'token_given' | 'key_refused' | 'let_in' | 'trouble'

/// Who a sign-in is, as the provider's profile tells it. What the provider leaves out stays `None`.
export type Identity = {
  /// The provider's own id of the person; what tells two people apart.
  account_uuid: string | null
  /// The address that the person signs in with.
  email: string | null
  /// The organization's id.
  organization_uuid: string | null
  /// The organization's name.
  organization: string | null
  /// The plan, in the provider's word, such as `max` or `pro`.
  plan: string | null
  /// The tier of rate limits, in the provider's word.
  rate_limit_tier: string | null
}

/// What was done about it.
export type Mended = {
  /// What was to be done.
  what: string
  /// What became of it, in a sentence.
  text: string
}

/// A page, which whoever shows it can ask for.
export type Page = 'accounts' | 'destinations' | 'add' | 'activity' | 'settings' | 'problems'

/// How far it is.
export type Phase = 'waiting' | 'google' | 'trading' | 'replace' | 'failed'

/// Where files are delivered to.
export type Place = VolumePlace | {
  /// Its absolute path.
  directory: string
} | PostgresPlace | { kubernetes: string, kube_context: string | null }

/// A user's row in a database.
export type PostgresPlace = {
  /// The database. Written down and shown without its password.
  postgres: string
  /// Whose row.
  user_id: UserId
}

/// Something that is wrong.
export type Problem = {
  /// The stable word for it.
  code: string
  /// What is wrong.
  what: string
  /// Why that matters.
  why: string
  /// What to do.
  fix: string
  /// Whether it can be mended from here without harm.
  can_mend: boolean
}

/// Who is signed in under a name, and who would be.
export type Replacing = {
  /// What is kept so far.
  kind: AccountKind
  /// Whose it is.
  earlier: Identity
  /// Who signs in now.
  new: Identity
}

/// What became of signing out.
export type SignedOut = {
  /// In a sentence or two.
  text: string
  /// What could not be reached, or lives on; a sentence or two each.
  left: Array<string>
}

/// A sign-in, told to the page.
export type SigningIn = {
  /// Under which name.
  account: AccountName
  /// How.
  way: Way
  /// How far it is.
  phase: Phase
  /// The page to open, where a person may have to do that.
  url: string | null
  /// Whether that was opened for them already.
  opened: boolean
  /// What the official CLI has said so far, where it is the one that signs in: its last lines, without what is secret.
  log: Array<string>
  /// Why it has failed; or what is wrong with a code, where another one is awaited.
  trouble: Trouble | null
  /// Who would be replaced by whom, where that is asked.
  replaces: Replacing | null
}

/// A place that could be approved of.
export type Suggestion = {
  /// A name for it that no destination has.
  name: DestinationName
  /// The settings' name for the engine.
  engine: string
  /// The volume.
  volume: VolumeName
  /// The folder in it, where it is not the top.
  folder: Folder | null
  /// Whose token it should get; none where somebody has to choose.
  account: AccountName | null
  /// Whether a label says so.
  labelled: boolean
  /// Whom the files should belong to.
  owner: string
  /// In which format.
  format: string
  /// Why it looks as if it waited for a sign-in, a sentence each.
  reasons: Array<string>
  /// What else there is to know before one decides, a sentence each.
  remarks: Array<string>
  /// The containers that use the volume.
  containers: Array<UsedBy>
  /// The line that approves of it.
  command: string
}

/// A trouble that is remembered: a stable code, what happened, and what to do.
export type Trouble = {
  /// The stable word for it.
  code: string
  /// What happened.
  what: string
  /// What to do; empty where it mends itself.
  fix: string
}

/// A window of time in which so much of the plan may be used.
export type UsageWindow = {
  /// The provider's word for it: `five_hour`, `seven_day`, and others that may come.
  name: string
  /// How much of it is used, in percent.
  used: number
  /// When it begins anew, where the provider tells.
  resets: string | null
}

/// How a container uses a volume.
export type UsedBy = {
  /// Its name.
  container: string
  /// Whether it runs.
  running: boolean
  /// Where it has the volume.
  at: string
  /// Whether it may only read there.
  read_only: boolean
}

/// A user's id in LiteLLM, as `LiteLLM_UserTable` has it: up to 256 characters, none of them invisible.
export type UserId = string

/// The kinds of vault.
export type VaultKind = 'keychain' | 'file' | 'memory'

/// What the page draws.
export type View = {
  /// Whether Tokenferry starts at login; none where that can't be set here.
  start_at_login: boolean | null
  /// The sign-in that is under way, or has failed.
  signing_in: SigningIn | null
  /// How a person can sign in here, the best first.
  ways: Array<Way>
  /// Tokenferry's own.
  version: string
  /// As of when.
  at: string
  /// The provider that is in force in place of Claude.
  provider: string | null
  /// Where sign-ins are kept.
  vault: VaultKind
  /// Whether some program keeps everything fresh.
  kept_fresh: boolean
  /// Whether nothing is delivered by itself for now.
  paused: boolean
  /// Whether the resident shows no notices.
  quiet: boolean
  /// Every account.
  accounts: Array<Account>
  /// Every destination.
  destinations: Array<Destination>
  /// Copies that shall go and could not be reached yet.
  copies_left: Array<CopyLeft>
}

/// The name of a Docker volume, as Docker takes it.
export type VolumeName = string

/// A folder in a volume on an engine.
export type VolumePlace = {
  /// The engine: the name of a Docker context, an address such as `unix:///var/run/docker.sock`, or `default`.
  engine: string
  /// The volume.
  volume: VolumeName
  /// A folder inside of it, where the files don't lie at its top.
  folder: string
}

/// How a person signs in.
export type Way = 'window' | 'browser' | 'paste' | 'cli'
