/// What is said aloud to readers of screens when something has come to its end.

class Announcer {
  text = $state('')

  say(text: string): void {
    // The same sentence twice is said twice.
    this.text = ''
    queueMicrotask(() => (this.text = text))
  }
}

export const announcer = new Announcer()
