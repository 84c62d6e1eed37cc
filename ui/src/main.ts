/// Where the page begins: it finds its backend, and draws itself.
import { mount } from 'svelte'

import App from './App.svelte'
import './app.css'
import type { Backend } from './lib/backend'

async function backend(): Promise<Backend> {
  // Left out of what is shipped.
  if (import.meta.env.MODE === 'practice') return (await import('./lib/backend/practice')).practice(location.search)
  // The app's window has this, and no browser.
  if ('__TAURI_INTERNALS__' in window) return (await import('./lib/backend/tauri')).tauri
  return (await import('./lib/backend/http')).http
}

void backend().then((backend) => mount(App, { target: document.getElementById('app') ?? document.body, props: { backend } }))
