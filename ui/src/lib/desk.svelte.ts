/// The page's state: the newest view, the time that words are told for, and whoever is asked for more.
import { getContext, setContext } from 'svelte'

import type { Backend } from './backend'
import { language } from './language.svelte'
import { isSignedIn, type Saying } from './states'
import { troubleOf } from './told'
import type { Trouble, View } from './types'

/// Words such as "in 7 hours" are told anew this often, while somebody can see them.
const TICK = 30_000

const KEY = Symbol('desk')

export class Desk {
  view = $state.raw<View | null>(null)
  trouble = $state<Trouble | null>(null)
  now = $state(new Date())
  /// The account that the sheet of a sign-in was opened for; an empty name lets one be chosen.
  askingFor = $state<string | null>(null)
  /// The destination that is shown open, once.
  opened = $state<string | null>(null)

  saying = $derived<Saying>({
    t: language.t,
    locale: language.locale,
    now: this.now,
    keptFresh: this.view?.kept_fresh ?? true,
  })

  /// How often the backend told of a change by itself.
  private told = 0

  constructor(readonly backend: Backend) {}

  /// Begins to follow the backend. What is given back ends the clock.
  start(): () => void {
    // Nothing that changes between the two is missed: listen first.
    void this.backend
      .onView((view) => {
        this.told += 1
        this.take(view)
      })
      .catch((thrown: unknown) => (this.trouble = troubleOf(thrown)))
      .then(() => this.look())
    const tick = setInterval(() => this.tick(), TICK)
    const seen = () => this.tick()
    document.addEventListener('visibilitychange', seen)
    return () => {
      clearInterval(tick)
      document.removeEventListener('visibilitychange', seen)
    }
  }

  /// Asks for the view, where waiting for it is not enough.
  async look(): Promise<void> {
    try {
      const told = this.told
      const view = await this.backend.view()
      // What was told meanwhile is newer than the answer, and may be the last word for long.
      if (told === this.told) this.take(view)
    } catch (thrown) {
      this.trouble = troubleOf(thrown)
    }
  }

  isSignedIn(account: string): boolean {
    return this.view?.accounts.some((it) => it.name === account && isSignedIn(it)) ?? false
  }

  private take(view: View): void {
    this.view = view
    this.trouble = null
    this.now = new Date()
  }

  private tick(): void {
    if (document.visibilityState === 'visible') this.now = new Date()
  }
}

export function provide(desk: Desk): void {
  setContext(KEY, desk)
}

export function useDesk(): Desk {
  return getContext<Desk>(KEY)
}
