/// Where the page begins: it finds its backend, and draws itself.
import { mount } from 'svelte'

import App from './App.svelte'
import './app.css'
import type { Backend } from './lib/backend'

async function backend(): Promise<Backend> {
  // Left out of what is shipped.
  if (import.meta.env.MODE === 'practice') return (await import('./lib/backend/practice')).practice(location.search)
  return (await import('./lib/backend/tauri')).tauri
}

void backend().then((backend) => mount(App, { target: document.getElementById('app') ?? document.body, props: { backend } }))
