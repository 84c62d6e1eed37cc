/// Times as people say them. Pure: the present and the language come in from outside.

/// An RFC 3339 text.
export type Time = string

const HOUR = 3_600_000
const DAY = 24 * HOUR

/// A moment as seen from `now`: `18:40` today, `Tue 18:40` within a week, a date beyond. The engine says it alike.
export function moment(time: Time, now: Date, locale: string): string {
  const at = new Date(time)
  const days = daysBetween(now, at)
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
  if (days === 0) return new Intl.DateTimeFormat(locale, clock).format(at)
  if (Math.abs(days) < 7) {
    const day = new Intl.DateTimeFormat(locale, { weekday: 'short' }).format(at)
    return `${day} ${new Intl.DateTimeFormat(locale, clock).format(at)}`
  }
  return `${date(at, now, locale)}, ${new Intl.DateTimeFormat(locale, clock).format(at)}`
}

/// The clock alone.
export function clock(time: Time, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(time))
}

/// The day alone; with its year where that is another one.
export function date(at: Date, now: Date, locale: string): string {
  const year = at.getFullYear() === now.getFullYear() ? undefined : 'numeric'
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year }).format(at)
}

/// How far off it is, in its largest unit: `in 27 days`, `in 7 hours`.
export function far(time: Time, now: Date, locale: string): string {
  const gap = new Date(time).getTime() - now.getTime()
  const say = new Intl.RelativeTimeFormat(locale, { numeric: 'always' })
  if (Math.abs(gap) >= DAY) return say.format(Math.trunc(gap / DAY), 'day')
  if (Math.abs(gap) >= HOUR) return say.format(Math.trunc(gap / HOUR), 'hour')
  return say.format(Math.trunc(gap / 60_000), 'minute')
}

/// Whole days that are left; negative once it is over.
export function daysLeft(time: Time, now: Date): number {
  return Math.floor((new Date(time).getTime() - now.getTime()) / DAY)
}

/// From one day of the calendar to another.
export function daysBetween(from: Date, to: Date): number {
  const day = (it: Date) => Date.UTC(it.getFullYear(), it.getMonth(), it.getDate())
  return Math.round((day(to) - day(from)) / DAY)
}
