// What a POST or PUT says of a TURN server, and what the query of a list asks for: forms, read as a CMS reads them. A parameter that is not there stays
// as it is, an empty one is unset, and all that is wrong is told at once.
import type { CallBridgeTurnServer } from '../../auth/turn-servers-file.js'
import { parseHostWord } from '../../client/turn-uri.js'
import { hasControlCharacter } from '../../config/value-type.js'
import { CMS_ADDRESS_LENGTH_MAX, CMS_NAME_LENGTH_SHOWN_MAX, CMS_TURN_SERVER_COUNT_MAX } from '../../limits/cms.js'
import { USERNAME_LENGTH_MAX } from '../../limits/messages.js'
import { hostAddress } from '../../stun/address.js'
import { isNobodysAddress } from '../../turn/nobodys-address.js'
import { type ParameterProblem, parameterFailure } from './failures.js'
import { PARAMETER_ERRORS, type ParameterErrorName, TYPE_DEFAULT, TYPES, UDP_PORT } from './names.js'

type Fields = Omit<CallBridgeTurnServer, 'id'>

/** Of a new object. */
export const UNSET: Fields = {
  ...{ serverAddress: '', clientAddress: '', username: '', password: '' },
  ...{ type: TYPE_DEFAULT, tcpPortNumberOverride: null },
}

/** A part of a list. */
export interface Page {
  /** In lower case. */
  readonly filter: string
  readonly offset: number
  readonly limit: number
}

const { invalid, missing, repeated, tooLong, unknown } = PARAMETER_ERRORS

/** The value of a parameter, or what is wrong with it. */
type Read<Value> = (text: string) => { readonly value: Value } | ParameterErrorName
type Readers<Values> = { readonly [Name in keyof Values]: Read<Values[Name]> }

const FIELDS: Readers<Fields & { readonly numRegistrations: number }> = {
  serverAddress: readAddress,
  clientAddress: readAddress,
  username: readText,
  password: readText,
  type: (text) => (Object.hasOwn(TYPES, text) ? { value: text } : invalid),
  tcpPortNumberOverride: (text) => readNumber(text, 1, 0xffff),
  // Of Lync Edge servers alone, where nobody registers from here.
  numRegistrations: (text) => readNumber(text, 0, 0),
}

const PAGE: Readers<Page> = {
  filter: (text) => ({ value: text.toLowerCase() }),
  offset: (text) => readNumber(text, 0, Number.MAX_SAFE_INTEGER),
  limit: (text) => readNumber(text, 0, Number.MAX_SAFE_INTEGER),
}

/** The fields of an object after a form. Throws a CmsFailure. @param before without it, for UNSET */
export function readFields(form: URLSearchParams, before: Fields): Fields {
  const problems: ParameterProblem[] = []
  const given = readAll(form, FIELDS, UNSET, problems)
  const { numRegistrations: _none, ...fields } = { numRegistrations: 0, ...before, ...given }
  const isWrong = problems.some(({ parameter }) => parameter === 'serverAddress')
  if (fields.serverAddress === '' && !isWrong) problems.push({ parameter: 'serverAddress', error: missing })
  if (problems.length > 0) throw parameterFailure(problems)
  return fields
}

/** Throws a CmsFailure. */
export function readPage(query: URLSearchParams): Page {
  const unset: Page = { filter: '', offset: 0, limit: CMS_TURN_SERVER_COUNT_MAX }
  const problems: ParameterProblem[] = []
  const given = readAll(query, PAGE, unset, problems)
  if (problems.length > 0) throw parameterFailure(problems)
  return { ...unset, ...given }
}

/** Of `HOST` or `HOST:PORT`, which was read before; null for what a file has that no request brings. */
export function placeOf(address: string): { readonly host: string; readonly port: number } | null {
  try {
    const place = parseHostWord(address)
    return place === null ? null : { host: place.host, port: place.port ?? UDP_PORT }
  } catch {
    return null
  }
}

function readAll<Values extends object>(
  form: URLSearchParams,
  readers: Readers<Values>,
  unset: Partial<Values>,
  problems: ParameterProblem[],
): Partial<Values> {
  const values: Partial<Values> = {}
  for (const name of new Set(form.keys())) {
    const read = readOne(form.getAll(name), Object.hasOwn(readers, name) ? readers[name as keyof Values] : null)
    if (typeof read === 'string') problems.push({ parameter: name.slice(0, CMS_NAME_LENGTH_SHOWN_MAX), error: read })
    else values[name as keyof Values] = read === null ? unset[name as keyof Values] : read.value
  }
  return values
}

/** null: it is to be unset. */
function readOne<Value>(texts: readonly string[], read: Read<Value> | null): ReturnType<Read<Value>> | null {
  if (read === null) return unknown
  if (texts.length > 1) return repeated
  return texts[0] === '' ? null : read(texts[0])
}

function readAddress(text: string): ReturnType<Read<string>> {
  if (text.length > CMS_ADDRESS_LENGTH_MAX) return tooLong
  const place = placeOf(text)
  if (place === null) return invalid
  // Measurements go there: nothing that stands for many, or for none.
  const address = hostAddress(place.host)
  return address !== null && isNobodysAddress(address) ? invalid : { value: text }
}

function readText(text: string): ReturnType<Read<string>> {
  if (Buffer.byteLength(text) > USERNAME_LENGTH_MAX) return tooLong
  return hasControlCharacter(text) ? invalid : { value: text }
}

function readNumber(text: string, min: number, max: number): ReturnType<Read<number>> {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1
  return value >= min && value <= max ? { value } : invalid
}
