// Requests in names that are chosen to hurt whoever reads the log. Used by the tests of this folder.
import { randomBytes } from 'node:crypto'
import {
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERNAME,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
} from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { describeAllocate, type TurnClient } from '../support/turn-client.js'

/** Line ends, quotes, JSON, escape sequences of terminals in 7 and 8 bits, and characters that reorder or hide text. */
export const HOSTILE_NAMES: readonly string[] = [
  'a\nb',
  'a\r\n{"level":60,"event":"forged","msg":"forged"}\r\n',
  '"}\n{"event":"forged"}',
  "'; $(touch forged) `forged` \\ \\n %s",
  '\x1b[2J\x1b[31mred\x1b]0;title\x07',
  '\x9b31mred\x9d0;title\x9c',
  '\0\b\b\b\x7f\x7f',
  '\u202egnp.exe\u2066\u2028\u2029\u200b',
  'é日本𝄞',
]

/** An Allocate in this name, which no user has, so that its key is anything. Returns the answer's code. */
export async function allocateAs(client: TurnClient, name: string): Promise<number> {
  await client.learnChallenge()
  const { nonce, realm } = client.challenge
  const writer = new MessageWriter().begin(new Uint8Array(2000), 0, CLASS_REQUEST, METHOD_ALLOCATE, randomBytes(12), 0)
  describeAllocate(writer)
  writer.writeText(ATTRIBUTE_USERNAME, name)
  writer.writeText(ATTRIBUTE_REALM, realm)
  writer.writeText(ATTRIBUTE_NONCE, nonce)
  writer.writeMessageIntegrity(randomBytes(16))
  return (await client.exchange(writer.bytes.slice(0, writer.finish()))).code
}
