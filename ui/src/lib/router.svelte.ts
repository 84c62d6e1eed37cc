/// Which page is shown: the address's fragment says it, so that links and the way back work.
import type { Page } from './types'

export const PAGES: readonly Page[] = ['accounts', 'destinations', 'add', 'activity', 'settings', 'problems']

class Router {
  page = $state<Page>(named(location.hash))

  go(page: Page): void {
    if (this.page !== page) location.hash = page
  }

  /// Follows the address. What is given back ends that.
  start(): () => void {
    const follow = () => (this.page = named(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }
}

export function named(hash: string): Page {
  return PAGES.find((page) => `#${page}` === hash) ?? 'accounts'
}

export const router = new Router()
