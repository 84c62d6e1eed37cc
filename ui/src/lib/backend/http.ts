/// The backend of `tokenferry serve`: each call is a question posted to it, and the view comes by server-sent events.
import type { Backend } from '../backend'
import type { Trouble, View } from '../types'

/// Where the connection is gone for good, such as while the server starts anew, it is made again after this.
const AGAIN = 2_000

/// The door, where a link lets people in.
const DOOR = './enter'

/// What each change shows, so that no other page can have made it. Asked for once.
let token: Promise<string> | null = null

function gone(): Trouble {
  return { code: 'server_unreachable', what: 'Tokenferry gives no answer.', fix: 'Try again in a moment.' }
}

/// Nobody is in any more.
function leave(): never {
  location.assign(DOOR)
  throw { code: 'not_let_in', what: 'You are not let in any more.', fix: '' } satisfies Trouble
}

/// The answer's content; rejects with a `Trouble`.
async function content<T>(answering: Promise<Response>): Promise<T> {
  const answer = await answering.catch(() => { throw gone() })
  const told: unknown = await answer.json().catch(() => { throw gone() })
  if (answer.ok) return told as T
  if (answer.status === 401) leave()
  const { code, detail, fix } = told as { code: string; detail: string; fix: string }
  throw { code, what: detail, fix } satisfies Trouble
}

function csrf(): Promise<string> {
  token ??= content<{ csrf_token: string }>(fetch('./session')).then((session) => session.csrf_token)
  token.catch(() => { token = null })
  return token
}

async function ask<T>(question: string, fields: Record<string, unknown> = {}): Promise<T> {
  const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': await csrf() }
  return content<T>(fetch(`./api/${question}`, { method: 'POST', headers, body: JSON.stringify(fields) }))
}

/// Follows the view, whatever becomes of the connection.
function follow(tell: (view: View) => void): void {
  const events = new EventSource('./api/live')
  events.addEventListener('view', (event) => tell(JSON.parse((event as MessageEvent<string>).data) as View))
  events.addEventListener('error', () => {
    // A browser connects again by itself, but not where it was refused: by a proxy, or because nobody is in any more.
    if (events.readyState !== EventSource.CLOSED) return
    setTimeout(() => {
      content(fetch('./session')).catch(() => {})
      follow(tell)
    }, AGAIN)
  })
}

export const http: Backend = {
  view: () => ask('view'),
  activity: (most) => ask('activity', { most }),
  usage: (account) => ask('usage', { account }),
  usedBy: (destination) => ask('used_by', { destination }),

  discover: () => ask('discover'),
  approve: (engine, name, account) => ask('approve', { engine, name, account }),
  addVolume: (name, volume, engine, account) => ask('add_volume', { name, volume, engine, account }),
  addDirectory: (name, directory, account) => ask('add_directory', { name, directory, account }),
  removeDestination: (name) => ask('remove_destination', { name }),
  sync: (names) => ask('sync', { names }),
  snippet: (destination) => ask('snippet', { destination }),

  refresh: (account) => ask('refresh', { account }),
  signOut: (account) => ask('sign_out', { account }),
  signIn: (account, way) => ask('sign_in', { account, way }),
  signInPaste: (code) => ask('sign_in_paste', { code }),
  signInReplace: (yes) => ask('sign_in_replace', { yes }),
  signInCancel: () => ask('sign_in_cancel'),

  problems: () => ask('problems'),
  mend: () => ask('mend'),

  setPaused: (on) => ask('set_paused', { on }),
  setQuiet: (on) => ask('set_quiet', { on }),
  setStartAtLogin: (on) => ask('set_start_at_login', { on }),
  // This is the person's browser already.
  openUrl: async (url) => { window.open(url, '_blank', 'noopener,noreferrer') },

  onView: async (tell) => follow(tell),
  // Nobody but the person chooses the page here.
  onPage: async () => {},
}
