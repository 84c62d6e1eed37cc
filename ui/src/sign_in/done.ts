/// Whether a sign-in that is no longer under way has come to something.
import type { Account } from '../lib/types'

/// It has where the account is there, and was changed since. Who cancelled has what was there before.
export function isDone(account: Account | null | undefined, updated: string | null): boolean {
  return account !== null && account !== undefined && account.code === 'fresh' && account.updated !== updated
}
