// What goes wrong with a Redis server, as a sentence that says what to do. Its own words are shown shortened, and without what we sent.
import {
  ConnectionTimeoutError,
  DisconnectsClientError,
  ErrorReply,
  SocketClosedUnexpectedlyError,
} from '@redis/client'
import { quoted } from '../config/printable.js'
import { REDIS_ERROR_LENGTH_MAX } from '../limits/redis.js'

/** By what the server answers, at its beginning. */
const ANSWERS: readonly (readonly [form: RegExp, sentence: string])[] = [
  [/^NOAUTH\b/, 'asks for a password: give it by --redis-password-file'],
  [
    /^WRONGPASS\b|^ERR invalid password/,
    'does not know this user with this password: mend --redis-password-file, or the user in --redis',
  ],
  [
    /^ERR .*(?:without any password configured|no password is set)/,
    'has no password: leave out that of --redis or --redis-password-file',
  ],
  [/^NOPERM\b/, 'does not let this user read it: let it GET and SMEMBERS turn/realm/* (ACL SETUSER)'],
  [/^LOADING\b/, 'is still loading its data: give it time'],
  [/^MASTERDOWN\b/, 'has lost the server that it copies: start that one, or name another by --redis'],
  [
    /^(?:MOVED|ASK|CLUSTERDOWN|TRYAGAIN)\b/,
    'is one of a cluster, and has a part of the keys alone: name a server by --redis that has all of them',
  ],
  [/^DENIED\b/, 'is in its protected mode: give it a password (requirepass), and the same by --redis-password-file'],
  [/^ERR .*DB index|^ERR invalid DB/, 'has no database of this number: mend the one in --redis'],
  [/^READONLY\b/, 'is a copy that refuses what its original takes: name that one by --redis'],
]

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: start it, or mend the address in --redis',
  ENOENT: 'has no such socket: start it, or mend the path in --redis',
  EACCES: 'does not let this account open its socket: make it a member of the group that owns the socket',
  ENOTFOUND: 'has a name that nobody knows: mend the name in --redis',
  EAI_AGAIN: 'has a name that no name server tells now: see to the name servers of this machine',
  EHOSTUNREACH: 'cannot be reached: see to the network between, or mend the address in --redis',
  ENETUNREACH: 'cannot be reached: see to the network between, or mend the address in --redis',
  ERR_SSL_WRONG_VERSION_NUMBER: 'speaks no TLS there: give redis:// instead of rediss://, or its TLS port',
  EPROTO: 'speaks no TLS there: give redis:// instead of rediss://, or its TLS port',
  CERT_HAS_EXPIRED: 'has a certificate that has expired: renew it',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'has a certificate for another name: give a name of its certificate in --redis, or renew the certificate',
}
const CERTIFICATE = /CERT|SELF_SIGNED|ISSUER|VERIFY_LEAF/

export const SILENT = 'gives no answer: see whether it hangs, or a firewall is between'
/** A server without TLS waits for the end of what it takes for a command. */
const SILENT_OVER_TLS = 'gives no answer over TLS: give redis:// where it takes none, or see whether it hangs'
const STRANGE = 'does not talk as Redis does: see that --redis names a Redis server'
export const CLOSED = 'is not asked any more'
/** Of the library, whose error has no other sign. */
const QUEUE_FULL = 'The queue is full'
const ENDS: readonly string[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED']

/** An Error whose message is the sentence. */
export class RedisFailure extends Error {
  constructor(what: string) {
    super(`Redis ${what}`)
    this.name = 'RedisFailure'
  }
}

/** The server does what it should, and has something in the place asked for that is nobody's: no reason to ask it less. */
export class RedisNonsense extends RedisFailure {}

/** @param answered was there an answer over this connection before? */
export function failureOf(error: unknown, isTls: boolean, answered: boolean): RedisFailure {
  if (error instanceof RedisFailure) return error
  if (error instanceof ErrorReply) return answerFailure(error)
  // Of a host with several addresses: the last one speaks for all.
  if (error instanceof AggregateError) return failureOf(error.errors.at(-1), isTls, answered)
  const { code = '', message } = error as NodeJS.ErrnoException
  if (code in CODES) return new RedisFailure(CODES[code])
  if (code === 'ETIMEDOUT' || error instanceof ConnectionTimeoutError || message === QUEUE_FULL) {
    return new RedisFailure(isTls && !answered ? SILENT_OVER_TLS : SILENT)
  }
  if (CERTIFICATE.test(code)) {
    const remedy = 'give that of its authority by --redis-ca, or mend the certificate'
    return new RedisFailure(`has a certificate that is not believed (${code}): ${remedy}`)
  }
  if (
    error instanceof SocketClosedUnexpectedlyError ||
    error instanceof DisconnectsClientError ||
    ENDS.includes(code)
  ) {
    return endFailure(isTls, answered)
  }
  return new RedisFailure(code === '' ? STRANGE : `cannot be reached (${code}): see to it, or mend --redis`)
}

function endFailure(isTls: boolean, answered: boolean): RedisFailure {
  if (answered) return new RedisFailure('has closed the connection: see whether it runs')
  const remedy = isTls ? 'see that it takes TLS there' : 'give rediss:// where it takes TLS alone'
  return new RedisFailure(`has closed the connection without an answer: ${remedy}`)
}

/** Does the server refuse everything with it, so that the connection is of no use? */
export function isOfTheConnection(error: ErrorReply): boolean {
  return /^(?:NOAUTH|WRONGPASS|LOADING|MASTERDOWN|DENIED|CLUSTERDOWN|ERR max number of clients|ERR unknown command)\b/.test(
    error.message,
  )
}

export function answerFailure({ message }: ErrorReply): RedisFailure {
  if (/^WRONGTYPE\b/.test(message)) {
    return new RedisNonsense(
      'has something else there than coturn writes: delete that key, and write it again with turnadmin',
    )
  }
  const known = ANSWERS.find(([form]) => form.test(message))
  if (known !== undefined) return new RedisFailure(known[1])
  // What we sent may come back in an error, a password too.
  const [own] = message.split(/['`",]/)
  const shown = quoted(own.slice(0, REDIS_ERROR_LENGTH_MAX).trim())
  return new RedisFailure(`answers with an error, ${shown}: see that --redis names a Redis server, and its log`)
}
