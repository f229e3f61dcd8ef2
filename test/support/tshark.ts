// What Wireshark makes of a capture file: tshark reads it, and tells of each packet what the tests ask about.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FIELDS = {
  /** Of the file, from 1. */
  section: 'frame.section_number',
  interface: 'frame.interface_name',
  /** Such as `raw:ip:udp:stun`. */
  protocols: 'frame.protocols',
  /** 1: inbound, 2: outbound. */
  direction: 'frame.packet_flags_direction',
  comment: 'frame.comment',
  length: 'frame.len',
  capturedLength: 'frame.cap_len',
  malformed: '_ws.malformed',
  ipChecksum: 'ip.checksum.status',
  udpChecksum: 'udp.checksum.status',
  udpPorts: 'udp.port',
  /** The source of frames without an IP header. */
  pduHosts: 'exported_pdu.ipv4_src',
  pduPorts: 'exported_pdu.src_port',
  info: '_ws.col.Info',
  /** Of a transaction: a request and its answer have the same. */
  stunId: 'stun.id',
  stunError: 'stun.att.error',
  stunReason: 'stun.att.error.reason',
  stunUsername: 'stun.att.username',
  stunRealm: 'stun.att.realm',
  stunNonce: 'stun.att.nonce',
  seconds: 'frame.time_epoch',
} as const

/** Textual, '' where the packet has no such field. */
export type DissectedPacket = Readonly<Record<keyof typeof FIELDS, string>>

/** Throws what tshark says if it does not take the file. */
export function dissect(file: Uint8Array): DissectedPacket[] {
  return dissectAll([file])[0]
}

/** The same of several files of one section each, which are one file of several: a start of tshark takes longer than a small file. */
export function dissectAll(files: readonly Uint8Array[]): DissectedPacket[][] {
  const packets = dissectSections(Buffer.concat(files))
  return files.map((_, index) => packets.filter(({ section }) => section === String(index + 1)))
}

function dissectSections(file: Uint8Array): DissectedPacket[] {
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[]
  const output = runOn('tshark', file, [
    ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-n', '-T', 'fields', '-E', 'separator=/t'],
    ...names.flatMap((name) => ['-e', FIELDS[name]]),
  ])
  const lines = output.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const values = line.split('\t')
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) as DissectedPacket
  })
}

/** What capinfos (of the same package) says of the whole file. */
export function fileFacts(file: Uint8Array): string {
  return runOn('capinfos', file, [])
}

function runOn(command: string, file: Uint8Array, args: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-capture-'))
  try {
    const path = join(directory, 'capture.pcapng')
    writeFileSync(path, file)
    const input = command === 'tshark' ? ['-r', path] : [path]
    return execFileSync(command, [...input, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, HOME: directory },
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
