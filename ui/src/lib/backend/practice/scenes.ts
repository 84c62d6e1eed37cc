/// The scenes: what the page is shown by a backend in memory. `?scene=` names one.
import type { Found, Happened, Problem, SigningIn, UsageWindow, UsedBy, View } from '../../types'
import { account, directory, happened, inHours, volume } from './samples'

export interface Scene {
  view: View
  activity: Happened[]
  usage: UsageWindow[]
  usedBy: UsedBy[]
  found: Found
  problems: Problem[]
  /// Whether whatever is asked for fails.
  fails?: boolean
}

const base: View = {
  at: inHours(0),
  provider: null,
  vault: 'keychain',
  kept_fresh: true,
  paused: false,
  quiet: false,
  accounts: [],
  destinations: [],
  copies_left: [],
  start_at_login: true,
  signing_in: null,
  ways: ['window', 'browser', 'paste', 'cli'],
  version: '0.1.0',
}

function empty(): Scene {
  return { view: base, activity: [], usage: [], usedBy: [], found: { suggestions: [], troubles: [] }, problems: [] }
}

function usual(change: Partial<View> = {}): Scene {
  return {
    view: {
      ...base,
      accounts: [account('default', 'ada@example.org')],
      destinations: [
        volume('claude-auth'),
        volume('agents', { engine: 'build-box', read_back: inHours(-2.1) }),
        directory('notebook', '/home/ada/notebook/claude', { format: 'token', code: 'due', read_back: null }),
      ],
      ...change,
    },
    activity: [
      happened(-1.6, 'renewed', 'Renewed default, good until 18:40.', { account: 'default' }),
      happened(-1.59, 'delivered', 'Delivered to claude-auth, and read back.', { destination: 'claude-auth' }),
      happened(-1.58, 'delivered', 'Delivered to agents, and read back.', { destination: 'agents' }),
      happened(-3, 'engine_found', 'Docker can be reached again.'),
      happened(-3.4, 'engine_lost', 'Docker can’t be reached.'),
      happened(-9, 'started', 'Keeping everything fresh.'),
      happened(-27, 'destination_changed', 'Added claude-auth.', { destination: 'claude-auth' }),
      happened(-27.2, 'signed_in', 'Signed in default as ada@example.org.', { account: 'default' }),
    ],
    usage: [
      { name: 'five_hour', used: 42, resets: inHours(2.3) },
      { name: 'seven_day', used: 17.5, resets: inHours(96) },
    ],
    usedBy: [
      { container: 'web-1', running: true, at: '/home/node/.claude', read_only: false },
      { container: 'worker', running: false, at: '/root/.claude', read_only: true },
    ],
    found: {
      suggestions: [
        {
          name: 'sandbox', engine: 'default', volume: 'sandbox_claude', folder: null, account: 'default', labelled: true,
          owner: 'auto', format: 'claude-code', command: 'tokenferry destination add sandbox --volume sandbox_claude',
          reasons: ['The volume bears the label tokenferry.account=default.'],
          remarks: [],
          containers: [{ container: 'sandbox-1', running: true, at: '/home/dev/.claude', read_only: false }],
        },
        {
          name: 'ci', engine: 'build-box', volume: 'ci_home', folder: '.claude', account: null, labelled: false,
          owner: 'auto', format: 'claude-code', command: 'tokenferry destination add ci --volume ci_home --folder .claude',
          reasons: ['The container runner has it at /root, where Claude keeps its sign-in.'],
          remarks: ['It holds other files, too; they stay as they are.'],
          containers: [],
        },
      ],
      troubles: [],
    },
    problems: [],
  }
}

function many(): Scene {
  const scene = usual()
  const numbers = Array.from({ length: 40 }, (_, index) => index + 1)
  const trouble = { code: 'read_only', what: 'The volume can only be read there.', fix: 'Mount it without `:ro` where it is made.' }
  scene.view.accounts = [
    account('default', 'ada@example.org'),
    account('work', 'ada@company.example', { identity: { ...account('', null).identity, email: 'ada@company.example', organization: 'Analytical Engines', plan: 'team' }, sign_in_ends: inHours(24 * 4.4) }),
    account('batch', null, { kind: 'one_year', identity: { ...account('', null).identity, plan: null }, access_token_ends: inHours(24 * 200), sign_in_ends: inHours(24 * 200), refresh_count: 0 }),
    account('console', null, { kind: 'api_key', identity: { ...account('', null).identity, plan: null }, access_token_ends: null, sign_in_ends: null, refresh_count: 0 }),
  ]
  scene.view.destinations = numbers.map((number) => {
    if (number === 7) return volume('project-7', { code: 'failing', failing_since: inHours(-3), trouble })
    if (number === 12) return volume('project-12', { code: 'delivering', account: 'work' })
    if (number === 20) return volume('project-20', { code: 'waiting', engine: 'build-box' })
    return volume(`project-${number}`, { account: number % 3 ? 'default' : 'work' })
  })
  scene.activity = numbers.map((number) => happened(-number, 'delivered', `Delivered to project-${number}, and read back.`, { destination: `project-${number}` }))
  return scene
}

function errors(): Scene {
  const scene = usual({ kept_fresh: false, start_at_login: null, vault: 'file', provider: 'http://127.0.0.1:8123' })
  const refused = { code: 'needs_sign_in', what: 'Claude does not take this sign-in any more (invalid_grant).', fix: 'Sign in again: `tokenferry login --account default`.' }
  const away = { code: 'engine_not_running', what: 'Docker is not running on build-box.', fix: 'Start it: `sudo systemctl start docker`.' }
  const stranger = { code: 'foreign', what: 'claude-auth holds a sign-in of its own, which somebody made there.', fix: 'Sign out there, or take it over with `tokenferry import`.' }
  scene.view.accounts = [
    account('default', 'ada@example.org', { code: 'needs_sign_in', trouble: refused, access_token_ends: inHours(-1), next_step: refused.fix }),
    account('work', 'ada@company.example', { code: 'late', trouble: { code: 'renewal_failed', what: 'Claude can’t be reached: no route to the host.', fix: 'Check the network; Tokenferry tries again by itself.' } }),
    account('lab', 'lab@example.org', { code: 'offline', access_token_ends: inHours(-2) }),
  ]
  scene.view.destinations = [
    volume('claude-auth', { code: 'foreign', trouble: stranger }),
    volume('agents', { code: 'waiting', engine: 'build-box', trouble: away }),
    directory('notebook', '/home/ada/notebook/claude', { code: 'failing', failing_since: inHours(-30), trouble: { code: 'no_right', what: 'The folder belongs to somebody else.', fix: 'Give it to yourself: `sudo chown ada /home/ada/notebook/claude`.' } }),
  ]
  scene.view.copies_left = [{ engine: 'old-box', volume: 'old-auth', folder: '', account: 'default', trouble: away }]
  scene.activity.push(happened(-0.5, 'refused', 'default must sign in again: Claude does not take this sign-in any more.', { account: 'default' }), happened(-0.4, 'delivery_failed', 'Could not deliver to notebook: the folder belongs to somebody else.', { destination: 'notebook' }))
  scene.found = { suggestions: [], troubles: [{ engine: 'build-box', what: 'Docker is not running on build-box.', fix: 'Start it: `sudo systemctl start docker`.' }] }
  scene.problems = [
    { code: 'needs_sign_in', what: 'default must sign in again', why: 'Claude refused to renew it, so containers run dry when their token ends.', fix: 'Sign in again: `tokenferry login --account default`.', can_mend: false },
    { code: 'rights', what: 'The state folder can be read by others', why: 'What lies there says where tokens are.', fix: 'Close it: `chmod 700 ~/.local/state/tokenferry`.', can_mend: true },
    { code: 'leftover', what: 'A half-written file was left in agents', why: 'An earlier delivery was cut off.', fix: 'It can be removed.', can_mend: true },
  ]
  scene.fails = true
  return scene
}

function longNames(): Scene {
  const scene = usual()
  const long = 'the-very-long-name-of-a-project-that-somebody-did-not-want-to-shorten-at-all'
  scene.view.accounts = [
    account(long, 'bartholomew.fotheringay-featherstonehaugh@department-of-long-names.international.example', {
      identity: { ...account('', null).identity, email: 'bartholomew.fotheringay-featherstonehaugh@department-of-long-names.international.example', organization: 'The Royal Society for the Advancement of Unabridged Names', plan: 'enterprise premium' },
    }),
  ]
  scene.view.destinations = [
    volume(long, { engine: 'ssh://builder@build-machine-17.rack-4.datacentre.example:2222', volume: `${long}_claude-auth`, folder: 'home/builder/.config/claude', account: long }),
    directory('x'.repeat(63), `/home/ada/${'deep/'.repeat(20)}claude`, { code: 'failing', failing_since: inHours(-200), trouble: { code: 'no_right', what: `The folder /home/ada/${'deep/'.repeat(20)}claude belongs to somebody else.`, fix: `Give it to yourself: \`sudo chown ada /home/ada/${'deep/'.repeat(20)}claude\`.` }, account: long }),
  ]
  scene.activity = [happened(-1, 'delivered', `Delivered to ${long}, and read back.`, { destination: long }), ...scene.activity]
  scene.usedBy = [{ container: `${long}-web-1`, running: true, at: `/home/node/${'deep/'.repeat(12)}.claude`, read_only: true }]
  scene.found.suggestions = scene.found.suggestions.map((it) => ({ ...it, name: `${it.name}-${long}`, volume: `${long}_${it.volume}`, account: null }))
  scene.problems = [{ code: 'rights', what: `The folder /home/ada/${'deep/'.repeat(20)} can be read by others`, why: 'What lies there says where tokens are.', fix: `Close it: \`chmod 700 /home/ada/${'deep/'.repeat(20)}\`.`, can_mend: true }]
  return scene
}

const phase = (change: Partial<SigningIn>): Scene =>
  usual({ signing_in: { account: 'default', way: 'window', phase: 'waiting', url: 'https://claude.ai/oauth/authorize?code=true', opened: true, log: [], trouble: null, replaces: null, ...change } })

const CLI_SAYS = ['Opening browser to sign in…', 'If the browser didn’t open, visit: https://claude.com/cai/oauth/authorize?…', 'Paste code here if prompted >']

export const SCENES: Record<string, () => Scene> = {
  empty,
  usual,
  many,
  errors,
  'long-names': longNames,
  'signing-in': () => phase({ way: 'paste', opened: false }),
  cli: () => phase({ way: 'cli', opened: false, log: CLI_SAYS }),
  'cli-failed': () => phase({ way: 'cli', phase: 'failed', url: null, log: [...CLI_SAYS, 'Couldn’t log in: That code wasn’t accepted. It may be incomplete, expired, already used, or from an earlier sign-in attempt. Sign in again to get a new code.'], trouble: { code: 'cli_ended', what: 'The Claude CLI ended without a sign-in.', fix: '' } }),
  google: () => phase({ phase: 'google' }),
  trading: () => phase({ phase: 'trading', url: null }),
  replace: () => phase({ phase: 'replace', url: null, replaces: { kind: 'sign_in', earlier: account('', 'ada@example.org').identity, new: account('', 'grace@example.org').identity } }),
  failed: () => phase({ phase: 'failed', url: null, trouble: { code: 'sign_in_over', what: 'The sign-in took longer than ten minutes, or the code belongs to another one.', fix: 'Begin again with Sign in.' } }),
  paused: () => usual({ paused: true, quiet: true, destinations: [volume('claude-auth', { code: 'paused' }), volume('agents')] }),
}
