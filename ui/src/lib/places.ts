/// Where a destination is, in words.
import type { Strings } from './strings/en'
import type { Place } from './types'

export function placeWords(place: Place, t: Strings): string {
  const says = t.destination
  if (place.volume !== undefined) {
    const parts = [says.volume(place.volume)]
    if (place.folder) parts.push(says.folderIn(place.folder))
    if (place.engine && place.engine !== 'default') parts.push(says.onEngine(place.engine))
    return parts.join(' ')
  }
  if (place.directory !== undefined) return says.directory(place.directory)
  if (place.postgres !== undefined) return says.postgres(place.user_id ?? '')
  return says.secret(place.kubernetes ?? '')
}

/// Only volumes have containers, and lines for a compose file.
export function isVolume(place: Place): boolean {
  return place.volume !== undefined
}
