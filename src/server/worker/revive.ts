// Structured clone keeps the fields of an object and loses its class. Addresses need theirs: for the methods, and because the hot
// path is fast only while all of them have one shape.
import type { PeerRule } from '../../config/peer-rule.js'
import { TransportAddress } from '../../stun/address.js'
import type { Cidr } from '../../stun/cidr.js'
import type { Alternate } from '../../turn/alternates.js'
import type { DiscoveryPair } from '../../turn/discovery-pairs.js'
import type { RelayHost } from '../../turn/relay-host.js'
import type { StreamWorkerChange, StreamWorkerStart, UdpWorkerChange, UdpWorkerStart, WorkerStart } from './messages.js'

type Dynamic = Pick<WorkerStart, 'settings' | 'ownSockets'>
type Streams = Pick<StreamWorkerStart, 'streams' | 'sockets'>

export function reviveAddress(posted: TransportAddress): TransportAddress {
  return new TransportAddress().copyFrom(posted)
}

/** What a worker for UDP clients is started with, with every address an address again. */
export function reviveUdpStart(posted: UdpWorkerStart): UdpWorkerStart {
  return { ...reviveStart(posted), listeners: posted.listeners.map(reviveListener) }
}

/** The same for a stream worker. */
export function reviveStreamStart(posted: StreamWorkerStart): StreamWorkerStart {
  return { ...reviveStart(posted), ...reviveStreams(posted) }
}

/** What a reload changes of either. */
export function reviveUdpChange(posted: UdpWorkerChange): UdpWorkerChange {
  return { ...posted, ...reviveDynamic(posted), listeners: posted.listeners.map(reviveListener) }
}

export function reviveStreamChange(posted: StreamWorkerChange): StreamWorkerChange {
  return { ...posted, ...reviveDynamic(posted), ...reviveStreams(posted) }
}

export function reviveAlternate(posted: Alternate): Alternate {
  return { ...posted, addresses: posted.addresses.map(reviveAddress) }
}

function reviveStreams({ sockets, streams }: Streams): Streams {
  return {
    streams: { ...streams, proxyProtocolFrom: streams.proxyProtocolFrom.map(reviveCidr) },
    sockets:
      sockets.kind === 'adopted'
        ? { ...sockets, tcp: sockets.tcp.map(reviveListener), dtls: sockets.dtls.map(reviveListener) }
        : { ...sockets, otherListeners: sockets.otherListeners.map(reviveListener) },
  }
}

export function reviveListener<Posted extends { readonly address: TransportAddress }>(listener: Posted): Posted {
  return { ...listener, address: reviveAddress(listener.address) }
}

function reviveStart<Start extends WorkerStart>(posted: Start): Start {
  const { localHosts, relayHosts } = posted
  return {
    ...posted,
    ...reviveDynamic(posted),
    relayHosts: relayHosts.map(reviveRelayHost),
    localHosts: localHosts.map(reviveAddress),
  }
}

function reviveDynamic({ ownSockets, settings }: Dynamic): Dynamic {
  return {
    settings: {
      ...settings,
      allowPeer: settings.allowPeer.map(reviveRule),
      denyPeer: settings.denyPeer.map(reviveRule),
      nat64Prefix: settings.nat64Prefix.map(reviveCidr),
      discoveryPairs: settings.discoveryPairs.map(revivePair),
      alternates: settings.alternates.map(reviveAlternate),
    },
    ownSockets: { ...ownSockets, addresses: ownSockets.addresses.map(reviveAddress) },
  }
}

function revivePair({ addresses, advertised, ...rest }: DiscoveryPair): DiscoveryPair {
  return {
    addresses: [reviveAddress(addresses[0]), reviveAddress(addresses[1])],
    advertised: [reviveAddress(advertised[0]), reviveAddress(advertised[1])],
    ...rest,
  }
}

function reviveRule(posted: PeerRule): PeerRule {
  return { ...posted, cidr: reviveCidr(posted.cidr) }
}

function reviveCidr({ address, prefixLength }: Cidr): Cidr {
  return { address: reviveAddress(address), prefixLength }
}

/** Without a public side both are one object. */
function reviveRelayHost(posted: RelayHost): RelayHost {
  const address = reviveAddress(posted.address)
  return { address, advertised: posted.advertised === posted.address ? address : reviveAddress(posted.advertised) }
}
