// The call of test/interop/pages/relay-call.html as a report: audio, video and a data channel between two peer connections of one browser.
import type { BrowserPage } from '../../support/browser.js'
import type { CallResult } from '../../support/relay-call.js'
import { type CallReport, MESSAGE_COUNT, type Target } from './contract.js'

export const CALL_PAGE = 'relay-call.html'
export const BROWSER_CALL =
  'a call with audio, video and a data channel between two peer connections, `iceTransportPolicy: "relay"`'

const MEDIA_SECONDS = 1
const CALL_MILLISECONDS_MAX = 60_000

/** @param uri what the browser is told */
export async function callInBrowser(
  page: BrowserPage,
  uri: string,
  { user, password }: Pick<Target, 'user' | 'password'>,
): Promise<CallReport> {
  const server = { uri, username: user, password }
  const options = { server, messageCount: MESSAGE_COUNT, mediaSeconds: MEDIA_SECONDS }
  const call = (await page.call('relayCall', options, CALL_MILLISECONDS_MAX)) as CallResult
  requireMedia(call)
  const { sent, received, echoes } = call
  const arrived = sent.filter((message, index) => received[index] === message).length
  const returned = sent.filter((message, index) => echoes[index] === `echo ${message}`).length
  const other = call.pairs.find(({ local, remote }) => local !== 'relay' || remote !== 'relay')
  return { sent: 2 * sent.length, received: arrived + returned, ...(other ?? call.pairs[0]) }
}

function requireMedia({ media }: CallResult): void {
  const [first, last] = [media[0], media.at(-1)]
  const grows = (field: 'audioBytes' | 'videoBytes' | 'framesDecoded') => (last?.[field] ?? 0) > (first?.[field] ?? 0)
  if (grows('audioBytes') && grows('videoBytes') && grows('framesDecoded')) return
  throw new Error(`audio and video do not arrive: ${JSON.stringify(media)}`)
}
