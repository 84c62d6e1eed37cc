/// A backend in memory, for looking at the page and for its tests. It is no part of what is shipped.
import type { Backend } from '../backend'
import type { SigningIn, Trouble, View } from '../types'
import { account, directory, inHours, volume } from './practice/samples'
import { SCENES, type Scene } from './practice/scenes'

/// How long each answer takes.
const WAIT = 60

export function practice(search: string): Backend {
  const name = new URLSearchParams(search).get('scene') ?? 'usual'
  return new Practice((SCENES[name] ?? SCENES.usual)!())
}

class Practice implements Backend {
  private tell: (view: View) => void = () => {}

  constructor(private readonly scene: Scene) {}

  view = () => this.answer(() => this.scene.view)
  activity = (most: number) => this.answer(() => this.scene.activity.slice(0, most))
  usage = () => this.answer(() => this.scene.usage)
  usedBy = () => this.answer(() => this.scene.usedBy)
  discover = () => this.answer(() => this.scene.found)
  problems = () => this.answer(() => this.scene.problems)
  openUrl = () => this.answer(() => undefined)

  approve = (_engine: string, name: string) => this.added(name, volume(name))
  addVolume = (name: string, of: string) => this.added(name, volume(name, { volume: of }))
  addDirectory = (name: string, of: string) => this.added(name, directory(name, of))

  removeDestination = (name: string) =>
    this.act(() => {
      this.change({ destinations: this.scene.view.destinations.filter((it) => it.name !== name) })
      return [{ reached: true, text: `No copy is left in ${name}.` }]
    })

  sync = (names: string[]) =>
    this.answer(() => {
      const wanted = this.scene.view.destinations.filter((it) => names.length === 0 || names.includes(it.name))
      return wanted.map((it) =>
        it.trouble
          ? { destination: it.name, ok: false, text: it.trouble.what, fix: it.trouble.fix }
          : { destination: it.name, ok: true, text: 'Delivered, and read back.', fix: '' },
      )
    })

  snippet = (destination: string) =>
    this.answer(
      () =>
        `services:\n  app:\n    volumes:\n      - ${destination}:/home/node/.claude\nvolumes:\n  ${destination}:\n    external: true\n`,
    )

  refresh = (name: string) =>
    this.act(() => {
      const renewed = { access_token_ends: inHours(8), updated: inHours(0) }
      this.change({ accounts: this.scene.view.accounts.map((it) => (it.name === name ? { ...it, ...renewed } : it)) })
    })

  signOut = (name: string) =>
    this.act(() => {
      this.change({ accounts: this.scene.view.accounts.filter((it) => it.name !== name) })
      return { text: `Signed out ${name}.`, left: [] as string[] }
    })

  signIn = (name: string, way: SigningIn['way']) =>
    this.act(() => this.change({ signing_in: { account: name, way, phase: 'waiting', url: 'https://claude.ai/oauth/authorize?code=true', opened: way !== 'paste', log: [], trouble: null, replaces: null } }))
  signInCancel = () => this.answer(() => this.change({ signing_in: null }))
  signInPaste = (code: string) =>
    this.answer(() => {
      const under = this.scene.view.signing_in
      if (!under) return
      if (code.includes('#')) this.signedIn(under.account)
      else this.change({ signing_in: { ...under, trouble: { code: 'code_incomplete', what: 'That is only a part of the code. Copy all of it, with the sign # in its middle.', fix: '' } } })
    })
  signInReplace = (yes: boolean) =>
    this.answer(() => (yes ? this.signedIn(this.scene.view.signing_in?.account ?? 'default') : this.change({ signing_in: null })))

  mend = () =>
    this.act(() => {
      const mended = this.scene.problems.filter((it) => it.can_mend)
      this.scene.problems = this.scene.problems.filter((it) => !it.can_mend)
      return mended.map((it) => ({ what: it.what, text: `Mended: ${it.what}.` }))
    })

  setPaused = (paused: boolean) => this.answer(() => this.change({ paused }))
  setQuiet = (quiet: boolean) => this.answer(() => this.change({ quiet }))
  setStartAtLogin = (on: boolean) => this.answer(() => this.change({ start_at_login: on }))

  onView = async (tell: (view: View) => void) => {
    this.tell = tell
  }
  onPage = async () => {}

  private added(name: string, destination: View['destinations'][number]): Promise<string> {
    return this.act(() => {
      this.change({ destinations: [...this.scene.view.destinations, destination] })
      return name
    })
  }

  private signedIn(name: string): void {
    const others = this.scene.view.accounts.filter((it) => it.name !== name)
    this.change({ signing_in: null, accounts: [...others, account(name, 'grace@example.org', { updated: inHours(0) })] })
  }

  private change(change: Partial<View>): void {
    this.scene.view = { ...this.scene.view, ...change, at: inHours(0) }
    this.tell(this.scene.view)
  }

  private async answer<T>(give: () => T): Promise<T> {
    await new Promise((done) => setTimeout(done, WAIT))
    return give()
  }

  /// As `answer`, but it fails in a scene where things fail.
  private async act<T>(give: () => T): Promise<T> {
    return this.answer(() => {
      if (this.scene.fails) {
        throw { code: 'journal_unusable', what: 'The journal can’t be written: the disk is full.', fix: 'Make room, and try again.' } satisfies Trouble
      }
      return give()
    })
  }
}
