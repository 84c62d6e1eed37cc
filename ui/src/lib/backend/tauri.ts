/// The backend of the app's window: each call is the Tauri command of the same name.
import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'

import type { Backend } from '../backend'
import type { Page, View } from '../types'

export const tauri: Backend = {
  view: () => invoke('view'),
  activity: (most) => invoke('activity', { most }),
  usage: (account) => invoke('usage', { account }),
  usedBy: (destination) => invoke('used_by', { destination }),

  discover: () => invoke('discover'),
  approve: (engine, name, account) => invoke('approve', { engine, name, account }),
  addVolume: (name, volume, engine, account) => invoke('add_volume', { name, volume, engine, account }),
  addDirectory: (name, directory, account) => invoke('add_directory', { name, directory, account }),
  removeDestination: (name) => invoke('remove_destination', { name }),
  sync: (names) => invoke('sync', { names }),
  snippet: (destination) => invoke('snippet', { destination }),

  refresh: (account) => invoke('refresh', { account }),
  signOut: (account) => invoke('sign_out', { account }),
  signIn: (account, way) => invoke('sign_in', { account, way }),
  signInPaste: (code) => invoke('sign_in_paste', { code }),
  signInReplace: (yes) => invoke('sign_in_replace', { yes }),
  signInCancel: () => invoke('sign_in_cancel'),

  problems: () => invoke('problems'),
  mend: () => invoke('mend'),

  setPaused: (on) => invoke('set_paused', { on }),
  setQuiet: (on) => invoke('set_quiet', { on }),
  setStartAtLogin: (on) => invoke('set_start_at_login', { on }),
  openUrl: (url) => invoke('open_url', { url }),

  onView: async (tell) => {
    await listen<View>('view', (event) => tell(event.payload))
  },
  onPage: async (tell) => {
    await listen<Page>('page', (event) => tell(event.payload))
  },
}
