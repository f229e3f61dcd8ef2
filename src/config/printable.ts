// What an operator typed, made fit for an error sentence or a log line. Used wherever src/config quotes a value.

const LENGTH_MAX = 100

/** The value as it is when it is plain; else in JSON quotes, shortened, with control and direction characters escaped. */
export function printable(value: string): string {
  return /^[!-~]+$/.test(value) && value.length <= LENGTH_MAX ? value : quoted(value)
}

/** The same for the path of a file, of which the end says more than the beginning. */
export function printablePath(path: string): string {
  return path.length > LENGTH_MAX ? quotedPath(path) : printable(path)
}

/** A path in JSON quotes, shortened at its beginning. */
export function quotedPath(path: string): string {
  return quoted(path.length > LENGTH_MAX ? `…${path.slice(1 - LENGTH_MAX)}` : path)
}

/** The value in JSON quotes, shortened, with control and direction characters escaped. */
export function quoted(value: string): string {
  const short = value.length > LENGTH_MAX ? `${value.slice(0, LENGTH_MAX)}…` : value
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
