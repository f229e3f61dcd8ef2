import t from 'tap'
import { opaqueString } from '../../src/auth/opaque-string.js'

t.test('opaqueString', async (t) => {
  const accepted: [what: string, text: string, result: string][] = [
    ['leaves ASCII as it is', ' !~aZ09', ' !~aZ09'],
    ['keeps case (RFC 8265 §4.2.2 rule 3)', 'Passwort', 'Passwort'],
    ['keeps full-width forms (rule 1)', 'Ａ', 'Ａ'],
    ['maps U+00A0 to a space (rule 2)', 'a\u00a0b', 'a b'],
    ['maps U+3000 and U+2003 to spaces (rule 2)', '\u3000x\u2003', ' x '],
    ['keeps several spaces, also at the ends', '  a  ', '  a  '],
    ['composes to NFC (rule 4)', 'u\u0308', '\u00fc'],
    ['does not apply NFKC (rule 4)', 'ﬁⅨª', 'ﬁⅨª'],
    ['composes conjoining jamo', '\u1112\u1161\u11ab', '\ud55c'],
    ['accepts symbols and punctuation', '€☃→“”', '€☃→“”'],
    ['accepts code points above U+FFFF', '𝄞😀', '𝄞😀'],
    ['accepts the user name of RFC 8489 B.1', 'マトリックス', 'マトリックス'],
    ['accepts a middle dot between two l', 'col·lega', 'col·lega'],
    ['accepts a katakana middle dot beside katakana', 'ア・イ', 'ア・イ'],
    ['accepts ZERO WIDTH JOINER after a virama', 'क्\u200d', 'क्\u200d'],
    ['accepts ZERO WIDTH NON-JOINER after a virama', 'क्\u200cष', 'क्\u200cष'],
    ['accepts ZERO WIDTH NON-JOINER between Arabic letters', 'می\u200cخواهم', 'می\u200cخواهم'],
    ['accepts extended Arabic-Indic digits alone', '۱۲', '۱۲'],
    ['accepts geresh after a Hebrew letter', 'א׳', 'א׳'],
    ['accepts the Greek numeral sign before Greek', '͵α', '͵α'],
  ]
  for (const [what, text, result] of accepted) {
    t.test(what, async (t) => {
      t.equal(opaqueString(text), result)
    })
  }

  const refused: [what: string, text: string, message: RegExp][] = [
    ['refuses the empty string (RFC 8265 §4.2.2)', '', /^is empty$/],
    ['refuses NUL', 'a\0', /U\+0000/],
    ['refuses U+001F, the last control below the space', '\u001f', /U\+001F/],
    ['refuses TAB', 'a\tb', /U\+0009/],
    ['refuses DEL', '\u007f', /U\+007F/],
    ['refuses U+009F, the last of the second controls', '\u009f', /U\+009F/],
    ['refuses a line separator', 'a\u2028', /U\+2028/],
    ['refuses SOFT HYPHEN, which is ignorable', 'The\u00adM', /U\+00AD/],
    ['refuses a byte order mark', '\ufeffa', /U\+FEFF/],
    ['refuses a direction override', 'a\u202eb', /U\+202E/],
    ['refuses private use', '\ue000', /U\+E000/],
    ['refuses unassigned code points', '\u0378', /U\+0378/],
    ['refuses noncharacters', '\uffff', /U\+FFFF/],
    ['refuses lone surrogates', 'a\ud800', /U\+D800/],
    ['refuses jamo that compose to nothing', '\u1112', /U\+1112/],
    ['refuses ARABIC TATWEEL (RFC 5892 §2.6)', 'ا\u0640', /U\+0640/],
    ['refuses a middle dot elsewhere', 'a·b', /U\+00B7/],
    ['refuses a katakana middle dot alone', 'a・b', /U\+30FB/],
    ['refuses ZERO WIDTH JOINER between letters', 'a\u200db', /U\+200D/],
    ['refuses ZERO WIDTH NON-JOINER between Latin letters', 'a\u200cb', /U\+200C/],
    ['refuses two kinds of Arabic digits together', '١۱', /U\+0661/],
    ['refuses two kinds of Arabic digits in the other order', '۱١', /U\+06F1/],
    ['refuses geresh after another letter', 'a׳', /U\+05F3/],
    ['refuses the Greek numeral sign before another letter', '͵a', /U\+0375/],
  ]
  for (const [what, text, message] of refused) {
    t.test(what, async (t) => {
      t.throws(() => opaqueString(text), { name: 'RangeError', message })
    })
  }

  t.test('gives the same for its own result', async (t) => {
    for (const [, text] of accepted) t.equal(opaqueString(opaqueString(text)), opaqueString(text))
  })

  t.test('never quotes the text in an error: it may be a password', async (t) => {
    t.throws(() => opaqueString('hunter2\u0007'), { message: /^(?!.*hunter2)/ })
  })
})
