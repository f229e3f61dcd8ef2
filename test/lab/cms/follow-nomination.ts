// werift sends by the first pair that the guest has nominated, for ever. A browser nominates the first pair that works and then better ones, so a call that
// could go over UDP would come back over TCP. RFC 8445 §8.1.1 lets the controlling side decide: what it nominated last counts.
import { type Address, CandidatePairState, type Message, type RTCPeerConnection } from 'werift'

/** To be called with each check of the guest's. @param source where it came from: a candidate of the guest's */
export function followNomination(connection: RTCPeerConnection, check: Message, [host, port]: Address): void {
  if (!check.attributesKeys.includes('USE-CANDIDATE')) return
  for (const { connection: ice } of connection.iceTransports) {
    // The first one is werift's own to take.
    if (ice.nominated === undefined) continue
    const pair = ice.candidatePairs.find(
      ({ remoteAddr, state }) =>
        state === CandidatePairState.SUCCEEDED && remoteAddr[0] === host && remoteAddr[1] === port,
    )
    if (pair !== undefined) ice.nominated = pair
  }
}
