// The guest's side of a call: join a space by its Call ID, offer audio and video, show what comes back.
// States (data-state of the document): loading, ready, joining, joined (in the space, without media yet), connected, failed, refused, ended;
// closed: the web bridge has no call bridge.

const STATE_WORDS = {
  ready: 'Not in a meeting',
  joining: 'Joining…',
  joined: 'Joined, waiting for media…',
  connected: 'Connected',
  failed: 'Call failed',
  refused: 'Not in a meeting',
  ended: 'You have left',
  closed: 'No meetings here',
}
const WATCH_MILLISECONDS = 500
const LEAVE_MILLISECONDS_MAX = 2_000
/** As long as an answer of a busy edge may take; where UDP is dropped, every call takes so much longer. */
const UDP_RELAY_MILLISECONDS_MAX = 2_000
/** The errorCode of a server that gave no answer. Chromium also tries from an address that no card has: that one fails always, and says nothing. */
const NOT_REACHED = 701

const one = (selector) => document.querySelector(selector)

/** What is known of the call, for whoever drives the page. */
const call = {
  state: 'loading',
  problem: '',
  number: 0,
  candidates: [],
  errors: [],
  pair: null,
  media: null,
  bridge: null,
}
window.guest = call

let connection = null
let callPath = ''
let ended = () => {}

one('.where').textContent = location.host
one('form').addEventListener('submit', (event) => {
  event.preventDefault()
  join(new FormData(event.target).get('callId')).catch((error) => show('failed', error.message))
})
one('.leave').addEventListener('click', () => ended('ended', '', 'the guest has left'))

const { isTrusted } = await ask('GET', '/guest')
if (isTrusted) {
  show('ready')
} else {
  show('closed', 'You cannot join a meeting from here: this web bridge does not trust the call bridge.')
}

async function join(callId) {
  show('joining')
  let joined
  try {
    joined = await ask('POST', '/guest/join', { callId })
  } catch (error) {
    return show('refused', error.message)
  }
  callPath = `/guest/calls/${joined.id}`
  Object.assign(call, { number: joined.number, candidates: [], errors: [], pair: null, media: null, bridge: null })
  one('.space').textContent = joined.space
  one('.candidates').replaceChildren()

  const own = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } })
  one('.own').srcObject = own
  connection = new RTCPeerConnection({
    iceServers: joined.iceServers,
    iceTransportPolicy: joined.icePolicy,
    bundlePolicy: 'max-bundle',
  })
  const deadline = setTimeout(
    () =>
      ended(
        'failed',
        `The call could not be connected: timed out, no media after ${joined.connectSeconds} s.`,
        'timed out',
      ),
    joined.connectSeconds * 1000,
  )
  const watch = setInterval(() => look().catch(() => {}), WATCH_MILLISECONDS)
  ended = (state, problem, reason) => {
    ended = () => {}
    clearTimeout(deadline)
    clearInterval(watch)
    for (const track of own.getTracks()) track.stop()
    connection.close()
    one('.own').srcObject = null
    one('.remote').srcObject = null
    // Told before it is shown: who sees it may close the page at once.
    const told = ask('POST', `${callPath}/leave`, { reason }).catch(() => {})
    const late = new Promise((resolve) => setTimeout(resolve, LEAVE_MILLISECONDS_MAX))
    Promise.race([told, late]).then(() => show(state, problem))
  }
  const connected = () => clearTimeout(deadline)
  await offer(own, connected)
}

/** Candidates are sent as they come: on a network that drops UDP it takes ten seconds until the browser has tried it all. */
async function offer(own, connected) {
  const reached = new Set()
  const { promise: isOffered, resolve: offered } = Promise.withResolvers()
  let sending = isOffered
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (!candidate?.candidate) return
    call.candidates.push(candidate.candidate)
    reached.add(candidate.url)
    forgive(candidate.url)
    list(`${candidate.type} ${candidate.protocol} ${candidate.address}:${candidate.port}`, candidate.url ?? '')
    sending = sending.then(() => ask('POST', `${callPath}/candidate`, candidate.toJSON())).catch(() => {})
  })
  connection.addEventListener('icecandidateerror', ({ errorCode, errorText, url }) => {
    if (errorCode === NOT_REACHED && reached.has(url)) return
    call.errors.push({ errorCode, errorText, url })
    list(`${errorCode} ${errorText}`, url, 'error')
  })
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'failed')
      ended('failed', 'The call was lost: no way for media is left.', 'ICE failed')
  })
  connection.addEventListener('track', ({ streams: [stream] }) => {
    const video = one('.remote')
    video.srcObject = stream
    // He has pressed Join: the browser lets the page be heard.
    video.muted = false
    video.requestVideoFrameCallback(() => {
      connected()
      show('connected')
    })
  })
  for (const track of own.getTracks()) connection.addTrack(track, own)
  const gathered = udpRelay()
  await connection.setLocalDescription()
  show('joined')
  const { sdp } = await ask('POST', `${callPath}/offer`, { sdp: connection.localDescription.sdp })
  await gathered
  if (connection.signalingState === 'closed') return
  await connection.setRemoteDescription({ type: 'answer', sdp })
  offered()
}

/**
 * A relay over UDP, if there is one soon. ICE stays with the pair that works first: over TCP a browser has its relay a moment before, now and then,
 * and the whole call would go there.
 */
function udpRelay() {
  const { promise, resolve } = Promise.withResolvers()
  setTimeout(resolve, UDP_RELAY_MILLISECONDS_MAX)
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate?.relayProtocol === 'udp') resolve()
  })
  connection.addEventListener('icegatheringstatechange', () => {
    if (connection.iceGatheringState === 'complete') resolve()
  })
  return promise
}

/** Takes back that this server was not reached. */
function forgive(url) {
  call.errors = call.errors.filter((error) => error.errorCode !== NOT_REACHED || error.url !== url)
  for (const item of document.querySelectorAll('.candidates .error')) {
    if (item.dataset.code === String(NOT_REACHED) && item.dataset.url === url) item.remove()
  }
}

/** Counts what has gone and come, on this side and at the call bridge. */
async function look() {
  const stats = [...(await connection.getStats()).values()]
  const of = (type, kind) => stats.find((entry) => entry.type === type && entry.kind === kind) ?? {}
  const kindOf = (kind) => {
    const [sent, received] = [of('outbound-rtp', kind), of('inbound-rtp', kind)]
    return {
      sent: { packets: sent.packetsSent ?? 0, bytes: sent.bytesSent ?? 0, frames: sent.framesEncoded ?? 0 },
      received: {
        packets: received.packetsReceived ?? 0,
        bytes: received.bytesReceived ?? 0,
        frames: received.framesDecoded ?? 0,
      },
    }
  }
  call.media = { audio: kindOf('audio'), video: kindOf('video') }
  const transport = stats.find(({ type }) => type === 'transport')
  const pair = stats.find(({ id }) => id === transport?.selectedCandidatePairId)
  const side = (id) => stats.find((entry) => entry.id === id)
  const [local, remote] = [side(pair?.localCandidateId), side(pair?.remoteCandidateId)]
  if (local && remote) {
    call.pair = {
      ...{ state: pair.state, local: local.candidateType, remote: remote.candidateType },
      ...{ relayProtocol: local.relayProtocol ?? '', url: local.url ?? '' },
      localAddress: `${local.address ?? ''}:${local.port}`,
      remoteAddress: `${remote.address ?? ''}:${remote.port}`,
    }
  }
  call.bridge = await ask('GET', callPath)
  draw()
}

function draw() {
  const { media, pair } = call
  one('.pair').replaceChildren(
    ...(pair === null
      ? []
      : [
          ...row('your side', `${pair.local} ${pair.localAddress}`),
          ...row('conference', `${pair.remote} ${pair.remoteAddress}`),
          ...row('to the relay by', pair.relayProtocol.toUpperCase()),
        ]),
  )
  const counts = [
    ['audio packets', media.audio, 'packets'],
    ['video packets', media.video, 'packets'],
    ['video frames', media.video, 'frames'],
  ]
  const rows = counts.map(([name, { received, sent }, unit]) => {
    const made = document.createElement('tr')
    made.append(element('th', name), element('td', sent[unit]), element('td', received[unit]))
    return made
  })
  one('.media').replaceChildren(...rows)
}

function row(name, value) {
  return [element('dt', name), element('dd', value)]
}

function list(text, url, className = '') {
  const item = element('li', url === '' ? text : `${text} (${url})`)
  item.className = className
  Object.assign(item.dataset, { url, code: text.slice(0, 3) })
  one('.candidates').append(item)
}

function element(tag, text) {
  const made = document.createElement(tag)
  made.textContent = text
  return made
}

function show(state, problem = '') {
  Object.assign(call, { state, problem })
  document.documentElement.dataset.state = state
  const isInCall = ['joining', 'joined', 'connected'].includes(state)
  one('.words').textContent = STATE_WORDS[state]
  one('.join').hidden = isInCall || state === 'closed'
  one('.in-call').hidden = !isInCall
  one('.own').hidden = !isInCall
  one('.connection').hidden = call.number === 0
  one('.problem').hidden = problem === ''
  one('.problem').textContent = problem
}

async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.problem)
  return answer
}
