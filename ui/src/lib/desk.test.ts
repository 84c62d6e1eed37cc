import { expect, test } from 'vitest'

import type { Backend } from './backend'
import { Desk } from './desk.svelte'
import type { View } from './types'

const view = (version: string) => ({ version }) as View

test('an answer does not take the place of what was told while it was awaited', async () => {
  let tell: (view: View) => void = () => {}
  let answer: (view: View) => void = () => {}
  const backend = {
    onView: async (listener: (view: View) => void) => void (tell = listener),
    view: () => new Promise<View>((done) => (answer = done)),
  } as Partial<Backend> as Backend
  const desk = new Desk(backend)
  const end = desk.start()
  const looks = desk.look()
  tell(view('newer'))
  answer(view('older'))
  await looks
  expect(desk.view?.version).toBe('newer')

  const again = desk.look()
  answer(view('newest'))
  await again
  expect(desk.view?.version).toBe('newest')
  end()
})
