/// What the page asks of whoever shows it. Every call rejects with a `Trouble`.
import type {
  Delivered, Found, Gone, Happened, Mended, Page, Problem, SignedOut, UsageWindow, UsedBy, View, Way,
} from './types'

export interface Backend {
  view(): Promise<View>
  activity(most: number): Promise<Happened[]>
  usage(account: string): Promise<UsageWindow[]>
  usedBy(destination: string): Promise<UsedBy[]>

  discover(): Promise<Found>
  approve(engine: string, name: string, account: string | null): Promise<string>
  addVolume(name: string, volume: string, engine: string | null, account: string | null): Promise<string>
  addDirectory(name: string, directory: string, account: string | null): Promise<string>
  removeDestination(name: string): Promise<Gone[]>
  /// Everywhere, where nothing is named.
  sync(names: string[]): Promise<Delivered[]>
  /// The lines for a compose file that have a container use a place.
  snippet(destination: string): Promise<string>

  refresh(account: string): Promise<void>
  signOut(account: string): Promise<SignedOut>
  /// Begins; how far it is comes with the view.
  signIn(account: string, way: Way): Promise<void>
  signInPaste(code: string): Promise<void>
  signInReplace(yes: boolean): Promise<void>
  signInCancel(): Promise<void>

  problems(): Promise<Problem[]>
  mend(): Promise<Mended[]>

  setPaused(on: boolean): Promise<void>
  setQuiet(on: boolean): Promise<void>
  setStartAtLogin(on: boolean): Promise<void>
  /// Only https, or the loopback.
  openUrl(url: string): Promise<void>

  /// Told whenever anything has changed.
  onView(tell: (view: View) => void): Promise<void>
  /// Told which page to show.
  onPage(tell: (page: Page) => void): Promise<void>
}
