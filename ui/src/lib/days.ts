/// What happened, sorted into days, the newest first.
import type { Saying, Tone } from './states'
import { date, daysBetween } from './times'
import type { Happened } from './types'

export interface Day {
  name: string
  happened: Happened[]
}

export function byDay(happened: Happened[], { t, locale, now }: Saying): Day[] {
  const newest = [...happened].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
  const days: Day[] = []
  for (const it of newest) {
    const at = new Date(it.at)
    const ago = daysBetween(at, now)
    const name = ago === 0 ? t.common.today : ago === 1 ? t.common.yesterday : date(at, now, locale)
    const last = days.at(-1)
    if (last?.name === name) last.happened.push(it)
    else days.push({ name, happened: [it] })
  }
  return days
}

const TONES: Record<string, Tone> = {
  signed_in: 'good',
  renewed: 'good',
  delivered: 'good',
  healed: 'good',
  proved: 'good',
  engine_found: 'good',
  ends_soon: 'attention',
  renewal_failed: 'attention',
  engine_lost: 'attention',
  key_refused: 'attention',
  refused: 'trouble',
  ended: 'trouble',
  delivery_failed: 'trouble',
  disproved: 'trouble',
  trouble: 'trouble',
}

export function kindTone(kind: string): Tone {
  return TONES[kind] ?? 'quiet'
}
