/// Who would be replaced by whom, in two sentences.
import type { Strings } from '../lib/strings/en'
import type { Identity, Replacing } from '../lib/types'

export function replacing(account: string, { kind, earlier, new: now }: Replacing, t: Strings['signIn']): string {
  return `${t.replaces[kind](account, who(earlier, t))} ${t.replacesNow(who(now, t))}`
}

/// As the engine says it, such as `ada@example.com, Example Ltd (max)`.
function who({ email, organization, plan }: Identity, t: Strings['signIn']): string {
  const person = [email ?? t.somebody, organization].filter(Boolean).join(', ')
  return plan ? `${person} (${plan})` : person
}
