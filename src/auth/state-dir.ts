// What outlives a restart, in the state directory: the nonce secret (`nonce-secret`, so that clients' nonces stay valid) and the
// generated first user (`generated-user.json`). Both have mode 0600. Several servers may share a directory: whoever creates a file
// first wins, the others read it. A directory that cannot be used is a warning, broken content is an error.
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivateDirectory, createPrivateFile, errorCode, errorText } from './private-file.js'

export const NONCE_SECRET_FILE = 'nonce-secret'
export const GENERATED_USER_FILE = 'generated-user.json'
export const GENERATED_USER_NAME = 'turnuser'
const NONCE_SECRET_LENGTH = 32
/** 144 bits; 24 characters. */
const PASSWORD_RANDOM_LENGTH = 18

/** A secret for a server that keeps nothing: 32 bytes. */
export function generateNonceSecret(): Uint8Array {
  return randomBytes(NONCE_SECRET_LENGTH)
}

export interface NonceSecret {
  readonly secret: Uint8Array
  /** A sentence for the operator, or null. */
  readonly warning: string | null
}

export interface GeneratedUser {
  readonly username: string
  readonly password: string
  /** Where it is kept; null if only in memory. */
  readonly path: string | null
  /** This call made it up: the only time the password may be shown. */
  readonly created: boolean
  readonly warning: string | null
}

/** The server's nonce secret, created at the first start. Throws an Error naming the file if its content is not a secret. */
export function loadNonceSecret(directory: string): NonceSecret {
  const path = join(directory, NONCE_SECRET_FILE)
  const stored = loadOrCreate(path, directory, () => `${Buffer.from(generateNonceSecret()).toString('hex')}\n`)
  const warning =
    stored.problem === ''
      ? permissionWarning(path)
      : memoryWarning(path, stored.problem, 'every restart asks clients for a new nonce')
  const hex = stored.text.trim()
  if (hex.length !== NONCE_SECRET_LENGTH * 2 || !/^[0-9a-f]+$/i.test(hex)) {
    throw new Error(`${path} does not hold ${NONCE_SECRET_LENGTH * 2} hex digits; remove it to get a new nonce secret`)
  }
  return { secret: Buffer.from(hex, 'hex'), warning }
}

/**
 * The user that serves a server without configured users. `realm` is only noted in a new file: a later start with another realm
 * keeps the password, since keys are made from it at each start. Throws an Error naming the file if its content is broken.
 */
export function loadOrCreateGeneratedUser(directory: string, realm: string): GeneratedUser {
  const path = join(directory, GENERATED_USER_FILE)
  const stored = loadOrCreate(path, directory, () => {
    const user = { user: GENERATED_USER_NAME, realm, password: generatePassword() }
    return `${JSON.stringify(user)}\n`
  })
  const { user, password } = parseGeneratedUser(path, stored.text)
  const isKept = stored.problem === ''
  return {
    username: user,
    password,
    path: isKept ? path : null,
    created: stored.created,
    warning: isKept
      ? permissionWarning(path)
      : memoryWarning(path, stored.problem, 'the generated password changes with every restart'),
  }
}

/** A random password of 24 characters that needs no quoting in a shell or a URI. */
export function generatePassword(): string {
  return randomBytes(PASSWORD_RANDOM_LENGTH).toString('base64url')
}

interface StoredText {
  readonly text: string
  readonly created: boolean
  /** Why the text is in memory only; '' if it is in the file. */
  readonly problem: string
}

function loadOrCreate(path: string, directory: string, makeText: () => string): StoredText {
  try {
    const found = readIfThere(path)
    if (found !== null) return { text: found, created: false, problem: '' }
    createPrivateDirectory(directory)
    const text = makeText()
    if (createPrivateFile(path, text)) return { text, created: true, problem: '' }
    return { text: readFileSync(path, 'utf8'), created: false, problem: '' }
  } catch (error) {
    return { text: makeText(), created: true, problem: errorText(error) }
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

function parseGeneratedUser(path: string, text: string): { user: string; password: string } {
  let content: unknown = null
  try {
    content = JSON.parse(text)
  } catch {
    // Reported below, without the parser's message: it quotes the password.
  }
  if (
    typeof content === 'object' &&
    content !== null &&
    'user' in content &&
    'password' in content &&
    typeof content.user === 'string' &&
    typeof content.password === 'string' &&
    content.user !== '' &&
    content.password !== ''
  ) {
    return { user: content.user, password: content.password }
  }
  throw new Error(`${path} does not hold {"user","realm","password"}; remove it to get a new generated user`)
}

function memoryWarning(path: string, problem: string, consequence: string): string {
  return `${path} cannot be used (${problem}): it stays in memory, and ${consequence}`
}

function permissionWarning(path: string): string | null {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o077) === 0 ? null : `${path} can be read by others: run chmod 600 ${path}`
}
