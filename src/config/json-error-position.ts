// Finds where a text stops being JSON. V8 tells the position only sometimes, and otherwise quotes the text around it,
// which may be a password: so a broken config file is located here, and nothing of it is shown.

export interface TextPosition {
  /** Both counted from 1. */
  readonly line: number
  readonly column: number
}

/** The first place where `text` is not JSON (RFC 8259), or null if it is. */
export function jsonErrorPosition(text: string): TextPosition | null {
  const scanner = new JsonScanner(text)
  if (scanner.readDocument()) return null
  const before = text.slice(0, scanner.offset).split('\n')
  return { line: before.length, column: before[before.length - 1].length + 1 }
}

const WHITESPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

/** Each `read` moves past what it read; on false, `offset` is where it was expected. */
class JsonScanner {
  offset = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  readDocument(): boolean {
    return this.readValue() && this.offset === this.text.length
  }

  private readValue(): boolean {
    this.read(WHITESPACE)
    const isRead =
      this.readContainer('{', '}', () => this.readMember()) ?? this.readContainer('[', ']', () => this.readValue())
    if (!(isRead ?? (this.read(STRING) || this.read(SCALAR)))) return false
    this.read(WHITESPACE)
    return true
  }

  private readMember(): boolean {
    this.read(WHITESPACE)
    if (!this.read(STRING)) return false
    this.read(WHITESPACE)
    return this.readCharacter(':') && this.readValue()
  }

  /** null if the text does not go on with `open`. */
  private readContainer(open: string, close: string, readItem: () => boolean): boolean | null {
    if (!this.readCharacter(open)) return null
    this.read(WHITESPACE)
    if (this.readCharacter(close)) return true
    do {
      if (!readItem()) return false
    } while (this.readCharacter(','))
    return this.readCharacter(close)
  }

  private readCharacter(character: string): boolean {
    if (this.text[this.offset] !== character) return false
    this.offset++
    return true
  }

  private read(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset
    if (!pattern.test(this.text)) return false
    this.offset = pattern.lastIndex
    return true
  }
}
