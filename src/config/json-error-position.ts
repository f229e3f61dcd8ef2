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
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

/** Each `read` moves past what it read; on false, `offset` is where it was expected. */
class JsonScanner {
  offset = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  readDocument(): boolean {
    // What ends the containers round this place, the innermost last; kept here because a text may be deeper than the stack.
    const closers: string[] = []
    do {
      this.read(WHITESPACE)
      const closer = this.readOpening()
      if (closer === null) {
        if (!this.readString() && !this.read(SCALAR)) return false
      } else {
        this.read(WHITESPACE)
        if (!this.readCharacter(closer)) {
          closers.push(closer)
          if (closer === '}' && !this.readKey()) return false
          continue
        }
      }
      if (!this.readToNextValue(closers)) return false
    } while (closers.length > 0)
    return this.offset === this.text.length
  }

  /** Behind a value: to the next one of its container, or out of all that end here. */
  private readToNextValue(closers: string[]): boolean {
    this.read(WHITESPACE)
    while (closers.length > 0) {
      const closer = closers[closers.length - 1]
      if (this.readCharacter(',')) return closer === ']' || this.readKey()
      if (!this.readCharacter(closer)) return false
      closers.pop()
      this.read(WHITESPACE)
    }
    return true
  }

  private readKey(): boolean {
    this.read(WHITESPACE)
    if (!this.readString()) return false
    this.read(WHITESPACE)
    return this.readCharacter(':')
  }

  /** By hand: an expression that repeats alternatives needs stack for each character. */
  private readString(): boolean {
    const { offset, text } = this
    if (text[offset] !== '"') return false
    for (let at = offset + 1; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code < 0x20) return false
      if (code === 0x22) {
        this.offset = at + 1
        return true
      }
      if (code !== 0x5c) continue
      ESCAPE.lastIndex = at
      if (!ESCAPE.test(text)) return false
      at = ESCAPE.lastIndex - 1
    }
    return false
  }

  /** What ends the container that begins here, or null if none does. */
  private readOpening(): string | null {
    if (this.readCharacter('{')) return '}'
    return this.readCharacter('[') ? ']' : null
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
