// What to do about a probe that failed: one sentence, by what was being done and what went wrong.
import { ERROR_FORBIDDEN, ERROR_UNAUTHENTICATED } from '../../stun/constants.js'
import { type ClientError, type ClientErrorCode, StunError } from '../client-error.js'
import type { ProbeReport, ProbeStage } from './probe-target.js'

/** What a server means by a code, whatever it was asked. */
const OF_STUN_ERROR: Readonly<Record<number, string>> = {
  300: 'it sends clients to another server: probe that one',
  400: 'the server takes the request for broken: look at its log',
  401: 'compare the user name, the password or the secret, and the clocks of both machines, with the server’s',
  403: 'the server forbids that peer: allow it there, if clients shall reach such addresses',
  420: 'the server does not know an attribute that RFC 8656 clients send: update it',
  431: 'compare the user name and the password with the server’s',
  437: 'try again in a minute: the server holds an allocation of this address already',
  438: 'the server finds every nonce stale: look whether several servers with different secrets share this address',
  441: 'compare the user name and the password with the server’s',
  442: 'the server does not relay UDP: look at its configuration',
  486: 'the user has all the allocations that it may have: raise its quota, or wait until old ones expire',
  500: 'look at the server’s log',
  508: 'the server has no capacity, or no relay port, left: look at its limits and its port range',
}

const OF_CODE: Readonly<Partial<Record<ClientErrorCode, string>>> = {
  'no-such-host':
    'check the name, and the DNS of this machine; where a domain has its servers in SRV or NAPTR records, add --dns',
  'no-resolver': 'look at the DNS of this machine (/etc/resolv.conf), and at its network',
  'bad-local-address': 'give an address of this machine',
  'tls-failed': 'look whether this port speaks TLS or DTLS at all, and which versions the server allows',
  'dtls-unavailable': 'DTLS is not tried without it',
  'bad-certificate':
    'give the server a certificate that clients accept; --ca FILE trusts another authority, --insecure goes on without',
  'no-credentials': 'give --user NAME:PASSWORD, or --auth-secret-file FILE',
  'bad-credentials': 'give another name or password',
  'bad-answer': 'look whether something other than TURN listens there',
  'wrong-integrity': 'compare the password with the server’s: whoever answered does not know it',
  'connection-closed': 'look at the server’s log: it may refuse this client, or be no TURN server',
  unreachable: 'look at the routes and the firewall of this machine; -4 and -6 choose another kind of address',
}

/** A sentence without its end; '' for what needs none. */
export function adviceFor({ failure, target }: ProbeReport): string {
  if (failure === null || failure.error.code === 'aborted') return ''
  const { error, stage } = failure
  if (error instanceof StunError) return ofStunError(error, stage)
  const place = `${target.transport === 'udp' || target.transport === 'dtls' ? 'UDP' : 'TCP'} port ${target.port}`
  if (error.code === 'no-answer') {
    const isConnected = stage !== 'connect' && (target.transport === 'tcp' || target.transport === 'tls')
    return ofSilence(stage, place, isConnected)
  }
  if (error.code === 'connection-refused') {
    return `start the server, let it listen on ${place}, or forward that port to it`
  }
  return OF_CODE[error.code] ?? ''
}

function ofStunError(error: StunError, stage: ProbeStage): string {
  if (stage === 'relay' && error.number === ERROR_FORBIDDEN) {
    return 'the server forbids its own relays and this machine as peers: allow one of them there to measure what the relay carries'
  }
  if (stage === 'binding' && error.number === ERROR_UNAUTHENTICATED) {
    return 'the server answers nobody without credentials: probe it as turn:HOST'
  }
  return OF_STUN_ERROR[error.number] ?? 'look at the server’s log'
}

function ofSilence(stage: ProbeStage, place: string, isConnected: boolean): string {
  switch (stage) {
    case 'relay':
    case 'measure':
      return 'open the UDP ports of the server’s relay range in its firewall, and check the address that it tells clients'
    case 'allocate':
      return 'the server answers a Binding, but no Allocate: look whether it is a TURN server, or STUN alone'
    default:
      if (isConnected) {
        return `something takes connections on ${place} and answers no STUN: look which program listens there, and whether it or what stands before it waits for another protocol`
      }
      return `open ${place} in the firewalls on the way, and check that the server listens there`
  }
}

/** The failure in one sentence, what happened and what to do. */
export function failureSentence(report: ProbeReport): string {
  const error: ClientError | undefined = report.failure?.error
  if (error === undefined) return ''
  const advice = adviceFor(report)
  return `${report.target.uri}: ${error.message}${advice === '' ? '' : `: ${advice}`}.`
}
