// The OpaqueString profile of PRECIS (RFC 8265 §4.2), which RFC 8489 asks for user names, realms and passwords.
// Used where credentials enter the server (options, users file, command), never on received packets: clients prepare their own.
// Rules: no case or width mapping; other spaces become U+0020; NFC; every code point is in the FreeformClass (RFC 8264 §4.3).

/** Every character stays what it is: so most names are, and a users file may have a hundred thousand of them. */
const PRINTABLE_ASCII = /^[ -~]+$/
const OTHER_SPACE = /\p{Zs}/gu

/** Categories LetterDigits, OtherLetterDigits, Spaces, Symbols, Punctuation (RFC 8264 §9); unassigned, controls, formats are none. */
const FREEFORM = /^[\p{L}\p{N}\p{M}\p{S}\p{P}\p{Zs}]$/u
/** PrecisIgnorableProperties, the jamo that NFC could not compose, and the exceptions of RFC 5892 §2.6. */
const DISALLOWED =
  /^[\p{Default_Ignorable_Code_Point}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/u

/** Code points of combining class Virama (9), which JavaScript's expressions have no name for. */
const VIRAMA =
  /[\u{94d}\u{9cd}\u{a4d}\u{acd}\u{b4d}\u{bcd}\u{c4d}\u{ccd}\u{d3b}\u{d3c}\u{d4d}\u{dca}\u{e3a}\u{eba}\u{f84}\u{1039}\u{103a}\u{1714}\u{1715}\u{1734}\u{17d2}\u{1a60}\u{1b44}\u{1baa}\u{1bab}\u{1bf2}\u{1bf3}\u{2d7f}\u{a806}\u{a82c}\u{a8c4}\u{a953}\u{a9c0}\u{aaf6}\u{abed}\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}]$/u
// The joining types of RFC 5892 A.1 have no name in JavaScript either. Letters of the cursive scripts stand for them: that accepts
// a non-joiner behind a letter that would not join anyway, which changes nothing in how the text is processed.
const JOINING_BEFORE = /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}\p{Script=Adlam}]\p{Mn}*$/u
const JOINING_AFTER = /^\p{Mn}*[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}\p{Script=Adlam}]/u

/**
 * The text as it goes into keys. Throws a RangeError that names the forbidden code point, never the text: it may be a password.
 */
export function opaqueString(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text
  const mapped = text.replace(OTHER_SPACE, ' ').normalize('NFC')
  if (mapped === '') throw new RangeError('is empty')
  let before = ''
  for (const character of mapped) {
    const after = mapped.slice(before.length + character.length)
    if (!isAllowed(character, before, after)) {
      const codePoint = character.codePointAt(0) ?? 0
      throw new RangeError(
        `contains U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}, which is not allowed here`,
      )
    }
    before += character
  }
  return mapped
}

function isAllowed(character: string, before: string, after: string): boolean {
  const code = character.charCodeAt(0)
  if (code < 0x7f) return code >= 0x20
  return isAllowedInContext(character, before, after) ?? (FREEFORM.test(character) && !DISALLOWED.test(character))
}

/** The contextual rules of RFC 5892 appendix A; null where none applies. */
function isAllowedInContext(character: string, before: string, after: string): boolean | null {
  switch (character) {
    case '\u200c':
      return VIRAMA.test(before) || (JOINING_BEFORE.test(before) && JOINING_AFTER.test(after))
    case '\u200d':
      return VIRAMA.test(before)
    case '\u00b7':
      return before.endsWith('l') && after.startsWith('l')
    case '\u0375':
      return /^\p{Script=Greek}/u.test(after)
    case '\u05f3':
    case '\u05f4':
      return /\p{Script=Hebrew}$/u.test(before)
    case '\u30fb':
      return /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(before + after)
  }
  if (/[\u0660-\u0669]/.test(character)) return !/[\u06f0-\u06f9]/.test(before + after)
  if (/[\u06f0-\u06f9]/.test(character)) return !/[\u0660-\u0669]/.test(before + after)
  return null
}
