// Elements as XML 1.0, the part of it that the CMS API answers in: elements, attributes and text. All of it is ASCII, other characters as references,
// so that it is the same in whatever encoding a reader takes text/xml for (RFC 3023 §3.1).

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | number>>
  readonly content: string | readonly XmlElement[]
}

export function element(
  name: string,
  content: string | number | boolean | readonly XmlElement[] = '',
  attributes: Readonly<Record<string, string | number>> = {},
): XmlElement {
  return { name, attributes, content: Array.isArray(content) ? content : `${content}` }
}

/** @param root whose names, and those in it, are names of XML: they are ours, and not escaped */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0"?>${rendered(root)}`
}

function rendered({ attributes, content, name }: XmlElement): string {
  const head = Object.entries(attributes).reduce(
    (text, [key, value]) => `${text} ${key}="${escaped(`${value}`)}"`,
    name,
  )
  const body = typeof content === 'string' ? escaped(content) : content.map(rendered).join('')
  return body === '' ? `<${head}/>` : `<${head}>${body}</${name}>`
}

/** What XML 1.0 §2.2 has no place for, not even by reference: most controls, halves of surrogate pairs, U+FFFE and U+FFFF. */
const IMPOSSIBLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu
/** Markup, what readers would normalise, and what is not ASCII. */
const REFERRED = /[<>&"'\t\n\r]|[^\u{0}-\u{7e}]/gu
const NAMED: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' }

function escaped(text: string): string {
  return text
    .replace(IMPOSSIBLE, '\u{fffd}')
    .replace(REFERRED, (character) => NAMED[character] ?? `&#${character.codePointAt(0)};`)
}
