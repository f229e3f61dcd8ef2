// The sample messages of RFC 5769 §2 and RFC 8489 appendix B.1, as hex, one attribute a line, and the credentials they were made with.
// B.1 is in the form of erratum 6268 (message length 0x0090, and the MESSAGE-INTEGRITY-SHA256 that goes with it).

export interface Vector {
  readonly name: string
  readonly bytes: Uint8Array
}

/** The bytes of hex text; white space is ignored. */
export function bytesOfHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, '')
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new RangeError(`not hex: ${digits}`)
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

/** Software name, user name and password of RFC 5769 §2.1–2.3 (a short-term credential: the password is the key). */
export const SHORT_TERM_PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt'
export const SHORT_TERM_USERNAME = 'evtj:h6vY'

/** The long-term credential of RFC 5769 §2.4 and RFC 8489 B.1, after SASLprep or OpaqueString. */
export const LONG_TERM_USERNAME = 'マトリックス'
export const LONG_TERM_PASSWORD = 'TheMatrIX'
export const LONG_TERM_REALM = 'example.org'

/** RFC 5769 §2.1 */
export const SAMPLE_REQUEST = vector(
  'RFC 5769 §2.1 request',
  `00010058 2112a442 b7e7a701bc34d686fa87dfae
   80220010 5354554e207465737420636c69656e74
   00240004 6e0001ff
   80290008 932ff9b151263b36
   00060009 6576746a3a68367659 202020
   00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
   80280004 e57a3bcf`,
)

/** RFC 5769 §2.2 */
export const SAMPLE_IPV4_RESPONSE = vector(
  'RFC 5769 §2.2 IPv4 response',
  `0101003c 2112a442 b7e7a701bc34d686fa87dfae
   8022000b 7465737420766563746f72 20
   00200008 0001a147 e112a643
   00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
   80280004 c07d4c96`,
)

/** RFC 5769 §2.3 */
export const SAMPLE_IPV6_RESPONSE = vector(
  'RFC 5769 §2.3 IPv6 response',
  `01010048 2112a442 b7e7a701bc34d686fa87dfae
   8022000b 7465737420766563746f72 20
   00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9
   00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
   80280004 c8fb0b4c`,
)

/** RFC 5769 §2.4 */
export const SAMPLE_LONG_TERM_REQUEST = vector(
  'RFC 5769 §2.4 request with long-term authentication',
  `00010060 2112a442 78ad3433c6ad72c029da412e
   00060012 e3839ee38388e383aae38383e382afe382b9 0000
   0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
   0014000b 6578616d706c652e6f7267 00
   00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`,
)

/** RFC 8489 appendix B.1, erratum 6268 */
export const SAMPLE_SHA256_REQUEST = vector(
  'RFC 8489 B.1 request with USERHASH and MESSAGE-INTEGRITY-SHA256',
  `00010090 2112a442 78ad3433c6ad72c029da412e
   001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
   00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341 000000
   0014000b 6578616d706c652e6f7267 00
   001d0004 00020000
   001c0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65`,
)

export const VECTORS: readonly Vector[] = [
  SAMPLE_REQUEST,
  SAMPLE_IPV4_RESPONSE,
  SAMPLE_IPV6_RESPONSE,
  SAMPLE_LONG_TERM_REQUEST,
  SAMPLE_SHA256_REQUEST,
]

function vector(name: string, hex: string): Vector {
  return { name, bytes: bytesOfHex(hex) }
}
