/// Where a destination is, in words.
import type { Strings } from './strings/en'
import type { Place, VolumePlace } from './types'

export function placeWords(place: Place, t: Strings): string {
  const says = t.destination
  if ('volume' in place) {
    const parts = [says.volume(place.volume)]
    if (place.folder) parts.push(says.folderIn(place.folder))
    if (place.engine !== 'default') parts.push(says.onEngine(place.engine))
    return parts.join(' ')
  }
  if ('directory' in place) return says.directory(place.directory)
  if ('postgres' in place) return says.postgres(place.user_id)
  return says.secret(place.kubernetes)
}

/// Only volumes have containers, and lines for a compose file.
export function isVolume<P extends Place>(place: P): place is P & VolumePlace {
  return 'volume' in place
}
