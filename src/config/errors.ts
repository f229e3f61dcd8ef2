// The errors with which turnd refuses to start, each with a stable code. Thrown by src/config, the stores of src/auth,
// src/net, src/server and src/turnd.ts; the command prints the message (one sentence) and exits with 2.

/** Every code and what it means, in one line. Codes are an interface: they may be added, never renamed. */
export const TURND_ERROR_CODES = {
  TURND_ERR_OPTION: 'An option is unknown, has a value that cannot be used, or contradicts another one.',
  TURND_ERR_CONFIG_FILE:
    'The file of --config cannot be read, is not a JSON object, or has a key that is no option; or that of --coturn-config or --expressway-config cannot be read or taken over.',
  TURND_ERR_USERS_FILE: 'The file of --users-file cannot be read, or a line of it is not a user.',
  TURND_ERR_SECRET_FILE:
    'The file of --auth-secret-file, --oauth-keys, --metrics-token-file or --auth-webhook-token-file cannot be read, or holds no secret.',
  TURND_ERR_CERTIFICATE:
    'The file of --cert, --key or authorities cannot be read, or holds something else; or certificate and key do not belong together.',
  TURND_ERR_STATE_DIR: 'The state directory cannot be used for what must be kept in it.',
  TURND_ERR_NO_USERS: 'No user is configured and none could be generated, so nobody could authenticate.',
  TURND_ERR_ADDRESS_IN_USE: 'Another socket already listens on an address of --listen or --admin-listen.',
  TURND_ERR_ADDRESS_NOT_AVAILABLE: 'An address of --listen or --relay-ip is not an address of this machine.',
  TURND_ERR_LISTEN_FAILED: 'A listener could not be opened for another reason, such as a privileged port.',
  TURND_ERR_ENGINE: 'The engine that --engine demands cannot run here, or could not start.',
  TURND_ERR_LIFECYCLE: 'A method of the server was called when it cannot be, such as start() twice.',
} as const

export type TurndErrorCode = keyof typeof TURND_ERROR_CODES

/** An error with a stable `code`; the message is one sentence that names the option and the value, never a secret. */
export class TurndError extends Error {
  readonly code: TurndErrorCode

  constructor(code: TurndErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TurndError'
    this.code = code
  }
}
