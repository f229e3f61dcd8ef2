// Every name of the CMS API: parameters, elements, failures, statuses. Those of Cisco's API reference and of answers that were seen are as they are
// there; the others, marked (ours), are inferred or of our own. No other file has one, so that what turns out wrong is put right here.

/** Below /api/v1, and the elements of a list and of an object. */
export const COLLECTION = 'turnServers'
export const OBJECT = 'turnServer'

export const CONTENT_TYPE = 'text/xml'
export const FORM_TYPE = 'application/x-www-form-urlencoded'

/** Of an object, in the order of an answer. Never the password. */
export const SHOWN = [
  'serverAddress',
  'clientAddress',
  'numRegistrations',
  'username',
  'type',
  'tcpPortNumberOverride',
] as const
/** Of an object in a list. */
export const LISTED = ['serverAddress', 'clientAddress'] as const

/** What `type` may be, with the TCP port that clients of such a server use unless tcpPortNumberOverride is given; UDP is always 3478. */
export const TYPES = {
  standard: { tcpPort: 443 },
  acano: { tcpPort: 3478 },
  lyncEdge: { tcpPort: 443 },
  expressway: { tcpPort: 3478 },
  cms: { tcpPort: 3478 },
} as const
export const TYPE_DEFAULT = 'standard'
export const UDP_PORT = 3478

/** Failures: the element in <failureDetails>, by the status of HTTP. */
export const FAILURES = {
  parameterError: 400,
  /** (ours, after tooManyCdrReceivers) */
  tooManyTurnServers: 400,
  turnServerDoesNotExist: 404,
  unrecognizedObject: 404,
  databaseNotReady: 503,
  /** (ours, all that follow) Their element has a sentence as its text. */
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  methodNotAllowed: 405,
  tooLarge: 413,
  unsupportedMediaType: 415,
  unknownHost: 421,
  tooManyRequests: 429,
  internalError: 500,
} as const
export type FailureName = keyof typeof FAILURES

/** The attribute `error` of a parameterError. */
export const PARAMETER_ERRORS = {
  invalid: 'invalidValue',
  /** (ours, all that follow) */
  missing: 'missing',
  repeated: 'repeated',
  tooLong: 'valueTooLong',
  unknown: 'unrecognized',
} as const
export type ParameterErrorName = (typeof PARAMETER_ERRORS)[keyof typeof PARAMETER_ERRORS]

/** The element <status> of what was measured (ours, but success and connectionFailure, which Web Bridges have), with what to do for the log. */
export const STATUSES = {
  success: '',
  unauthorized: 'check credentials: compare username and password of this object with the users of the TURN server',
  timeout: 'open the port for this machine in the firewalls on the way, and check that the TURN server listens there',
  connectionFailure: 'check the address, the routes of this machine, and that the TURN server runs',
  dnsFailure: 'check the name, and the DNS of this machine',
  allocationFailure: 'look at the log of the TURN server, its licence, its quotas and its relay ports',
} as const
export type StatusName = keyof typeof STATUSES
