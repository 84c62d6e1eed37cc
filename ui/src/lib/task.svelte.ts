/// One thing that the page has asked for: whether it still runs, and what went wrong with it.
import { troubleOf } from './told'
import type { Trouble } from './types'

export class Task {
  running = $state(false)
  trouble = $state<Trouble | null>(null)

  /// Runs it, unless it runs already. What is thrown is kept; `undefined` comes back then.
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.running) return undefined
    this.running = true
    this.trouble = null
    try {
      return await work()
    } catch (thrown) {
      this.trouble = troubleOf(thrown)
      return undefined
    } finally {
      this.running = false
    }
  }

  forget(): void {
    this.trouble = null
  }
}
