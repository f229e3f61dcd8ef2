// Where in the page one is, as the URL's fragment says it: `#clients/0-17?search=alice`. Views read it and write it; it can be sent to somebody.

export interface Route {
  /** The name of a view; '' where the fragment names none. */
  readonly view: string
  /** What is open in it, such as the id of a client; '' for nothing. */
  readonly item: string
  readonly query: Readonly<Record<string, string>>
}

export function parseRoute(fragment: string): Route {
  const [path, queryText = ''] = splitOnce(fragment.replace(/^#\/?/, ''), '?')
  const [view, item = ''] = splitOnce(path, '/')
  const query: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(queryText)) query[key] = value
  return { view: decoded(view), item: decoded(item), query }
}

/** What is empty is left out. */
export function formatRoute({ item, query, view }: Route): string {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const queryText = new URLSearchParams(given).toString()
  const path = item === '' ? view : `${view}/${encodeURIComponent(item)}`
  return `#${path}${queryText === '' ? '' : `?${queryText}`}`
}

/** The token of a login link's fragment, `#login=TOKEN`; null if it is none. */
export function loginTokenOf(fragment: string): string | null {
  return /^#login=([^&]+)$/.exec(fragment)?.[1] ?? null
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
