import { render } from '@testing-library/svelte'
import { expect, test } from 'vitest'

import Prose from './Prose.svelte'

test('commands between backticks are marked, and a lone backtick stays', () => {
  const { container } = render(Prose, { text: 'Run `tokenferry sync`, then wait.' })
  expect(container.querySelector('code')?.textContent).toBe('tokenferry sync')
  expect(container.textContent?.trim()).toBe('Run tokenferry sync, then wait.')
  expect(render(Prose, { text: 'a ` b' }).container.textContent?.trim()).toBe('a ` b')
})

test('what looks like markup is text', () => {
  const { container } = render(Prose, { text: '<img src=x onerror=alert(1)>' })
  expect(container.querySelector('img')).toBeNull()
})
