/// Names of accounts.

/// What a name may look like; the backend has the last word.
export const NAME = '[A-Za-z0-9][A-Za-z0-9._\\-]*'

/// `default` for the first; the next ones are for the person to name.
export function freeName(taken: string[]): string {
  return taken.includes('default') ? '' : 'default'
}
