// The other servers of --alternate: their names are known, and they answer where clients are sent to.
import { openTransport } from '../../client/transport.js'
import { TurnClient } from '../../client/turn-client.js'
import type { TransportKind } from '../../client/turn-uri.js'
import type { AlternateServer } from '../../config/alternate.js'
import { formatAddressPort } from '../../config/ip-address.js'
import type { Settings } from '../../config/settings.js'
import { type Check, fault, type Judgement, warning, well } from '../check.js'
import type { InsideScene } from './scene.js'

export interface AlternateFacts {
  /** As it was given. */
  readonly text: string
  /** Where it was asked: `UDP turn2.example.org:3478`. */
  readonly where: string
  /** Why it does not answer, a sentence; ''. */
  readonly problem: string
  /** What is wrong with its certificate; '' for nothing, or without one. */
  readonly certificateProblem: string
}

export function judgeAlternate({ certificateProblem, problem, text, where }: AlternateFacts): Judgement {
  if (problem !== '') {
    return fault(
      'another server, to which clients are sent, does not answer',
      `--alternate ${text}: ${problem}`,
      'Start that server, open its port, or take it out of --alternate: clients that are sent there fail',
    )
  }
  if (certificateProblem !== '') {
    return warning(
      `--alternate ${text}: ${certificateProblem}`,
      'Give that server a certificate for the name that is given here: clients over TLS compare it',
    )
  }
  return well(`the other server ${text} answers (${where})`)
}

export const alternates: Check<InsideScene> = {
  id: 'alternate',
  needs: ['configuration'],
  async run({ patienceMs, settings }, signal) {
    const facts = await Promise.all(settings.alternate.map((one) => look(one, settings, patienceMs, signal)))
    return facts.map(judgeAlternate)
  },
}

async function look(
  server: AlternateServer,
  { listen }: Settings,
  timeoutMilliseconds: number,
  signal: AbortSignal,
): Promise<AlternateFacts> {
  const { host, port, text } = server
  const transport = transportOf(server, listen)
  const sameKind = listen.find(({ scheme }) => (scheme === 'any' ? 'udp' : scheme) === transport)
  const target = { transport, host, port: port || (sameKind?.port ?? (transport.endsWith('tls') ? 5349 : 3478)) }
  const facts = { text, where: `${transport.toUpperCase()} ${formatAddressPort(host, target.port)}` }
  let client: TurnClient | null = null
  try {
    const opened = await openTransport(target, { timeoutMilliseconds, signal })
    client = new TurnClient(opened, { answerMilliseconds: timeoutMilliseconds, signal })
    await client.bind()
    const problems = opened.security?.problems ?? []
    return { ...facts, problem: '', certificateProblem: problems.map((one) => one.text).join('; ') }
  } catch (error) {
    return { ...facts, problem: error instanceof Error ? error.message : String(error), certificateProblem: '' }
  } finally {
    await client?.close()
  }
}

/** The one that it is for; of several the first that clients use here. */
function transportOf({ port, scheme }: AlternateServer, listen: Settings['listen']): TransportKind {
  if (scheme !== 'any') return scheme
  const schemes = listen.map((spec) => (spec.scheme === 'any' ? 'udp' : spec.scheme))
  // A port without a scheme is that of UDP and TCP.
  const plain = schemes.find((one) => one === 'udp') ?? schemes.find((one) => one === 'tcp')
  return plain ?? (port !== 0 ? 'udp' : (schemes[0] ?? 'udp'))
}
