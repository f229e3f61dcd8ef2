// Light or dark: as the system has it, or as was chosen here, which is remembered in this browser.

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'turnd-theme'
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }
const listeners = new Set<() => void>()

export function currentTheme(): Theme {
  const kept = remembered()
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

/** Puts it on the document: CSS has the rest. */
export function applyTheme(): void {
  const theme = currentTheme()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  for (const listener of listeners) listener()
}

export function switchTheme(): Theme {
  const next = NEXT[currentTheme()]
  try {
    if (next === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, next)
  } catch {
    // A browser that keeps nothing: the choice holds for this page's life alone.
  }
  fallback = next
  applyTheme()
  return next
}

/** For what CSS cannot colour. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

let fallback: Theme = 'system'

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return fallback
  }
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const listener of listeners) listener()
})
