// The kernel's layouts and constants as the native engine has them (src/net/native/layout.ts) against C headers: everything the
// file exports becomes a static assertion, compiled for x86-64 and for arm64.
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import * as layout from '../../../src/net/native/layout.js'
import { findCommand, type Peer, peerOrSkip } from '../../support/peers.js'

const COMPILE_MILLISECONDS_MAX = 60_000

const HEADERS = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
`

/** Structs by the name of their layout; a field of the layout has the name of C's. */
const STRUCTS: Readonly<Record<string, string>> = {
  MSGHDR: 'struct msghdr',
  MMSGHDR: 'struct mmsghdr',
  IOVEC: 'struct iovec',
  CMSGHDR: 'struct cmsghdr',
  SOCKADDR_IN: 'struct sockaddr_in',
  SOCKADDR_IN6: 'struct sockaddr_in6',
  IN_PKTINFO: 'struct in_pktinfo',
  IN6_PKTINFO: 'struct in6_pktinfo',
  SOCK_EXTENDED_ERR: 'struct sock_extended_err',
  SOCK_FPROG: 'struct sock_fprog',
  SOCK_FILTER: 'struct sock_filter',
}
const EVENTS: Readonly<Record<string, string>> = {
  EPOLL_EVENT_X64: '__x86_64__',
  EPOLL_EVENT_ARM64: '__aarch64__',
}
/** Exports that no header of programs has, checked elsewhere. */
const OTHERS: readonly string[] = [
  'EPOLL_EVENT', // One of EVENTS.
  'UDP_SEGMENT_COUNT_MAX', // The self-test sends so many.
  'controlSpace', // Below.
]
/** Bytes of the fields that the engine writes or reads, as it does. */
const WIDTHS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'struct msghdr': {
    msg_name: 8,
    msg_namelen: 4,
    msg_iov: 8,
    msg_iovlen: 8,
    msg_control: 8,
    msg_controllen: 8,
    msg_flags: 4,
  },
  'struct mmsghdr': { msg_len: 4 },
  'struct iovec': { iov_base: 8, iov_len: 8 },
  'struct cmsghdr': { cmsg_len: 8, cmsg_level: 4, cmsg_type: 4 },
  'struct sockaddr_in': { sin_family: 2, sin_port: 2, sin_addr: 4 },
  'struct sockaddr_in6': { sin6_family: 2, sin6_port: 2, sin6_flowinfo: 4, sin6_addr: 16, sin6_scope_id: 4 },
  'struct in_pktinfo': { ipi_ifindex: 4, ipi_spec_dst: 4, ipi_addr: 4 },
  'struct in6_pktinfo': { ipi6_addr: 16, ipi6_ifindex: 4 },
  'struct sock_extended_err': { ee_errno: 4, ee_origin: 1, ee_type: 1, ee_code: 1, ee_info: 4, ee_data: 4 },
  'struct sock_fprog': { len: 2, filter: 8 },
  'struct sock_filter': { code: 2, jt: 1, jf: 1, k: 4 },
  'struct epoll_event': { events: 4, data: 8 },
}
/** Declarations of the functions that libc.ts calls; where they differ from the header's, C does not compile. */
const PROTOTYPES = `
_Static_assert(sizeof(int) == 4 && sizeof(unsigned) == 4 && sizeof(socklen_t) == 4, "int is 32 bits");
_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8 && sizeof(ssize_t) == 8, "pointers and sizes are 64 bits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian");
extern int recvmmsg(int, struct mmsghdr *, unsigned, int, struct timespec *);
extern int sendmmsg(int, struct mmsghdr *, unsigned, int);
extern ssize_t recvmsg(int, struct msghdr *, int);
extern int epoll_wait(int, struct epoll_event *, int, int);
extern int epoll_ctl(int, int, int, struct epoll_event *);
extern int eventfd(unsigned, int);
extern ssize_t read(int, void *, size_t);
extern ssize_t write(int, const void *, size_t);
`

type Exports = Readonly<Record<string, unknown>>

/** A C file that compiles where every export is right. Throws for one that it does not know how to check. */
function assertions(exports: Exports): string {
  const lines: string[] = []
  const claim = (expression: string, value: number) => {
    lines.push(`_Static_assert((${expression}) == ${value}, "${expression} is not ${value}");`)
  }
  const claimLayout = (type: string, fields: Readonly<Record<string, number>>) => {
    for (const [field, value] of Object.entries(fields)) {
      claim(field === 'size' ? `sizeof(${type})` : `offsetof(${type}, ${field})`, value)
    }
  }
  for (const [name, value] of Object.entries(exports)) {
    if (OTHERS.includes(name)) continue
    if (typeof value === 'number') claim(name, value)
    else if (name in STRUCTS) claimLayout(STRUCTS[name], value as Record<string, number>)
    else if (name in EVENTS) {
      lines.push(`#ifdef ${EVENTS[name]}`)
      claimLayout('struct epoll_event', value as Record<string, number>)
      lines.push('#endif')
    } else throw new Error(`no C name is known for ${name} of layout.ts`)
  }
  for (const [type, fields] of Object.entries(WIDTHS)) {
    for (const [field, width] of Object.entries(fields)) claim(`sizeof(((${type} *)0)->${field})`, width)
  }
  claim('offsetof(struct cmsghdr, __cmsg_data)', layout.CMSGHDR.size)
  for (let length = 0; length <= 40; length++) {
    claim(`CMSG_LEN(${length})`, layout.CMSGHDR.size + length)
    claim(`CMSG_SPACE(${length})`, layout.controlSpace(length))
  }
  return `${HEADERS}${lines.join('\n')}\n${PROTOTYPES}`
}

/** What the compiler complains about; empty when it is content. */
function complaints(compiler: string, source: string): string {
  const args = ['-std=gnu11', '-fsyntax-only', '-Wall', '-x', 'c', '-']
  const { error, status, stderr } = spawnSync(findCommand(compiler)!, args, {
    input: source,
    encoding: 'utf8',
    timeout: COMPILE_MILLISECONDS_MAX,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
  })
  if (error) throw error
  return status === 0 ? '' : stderr
}

function replaced(name: string, change: Readonly<Record<string, number>>): Exports {
  return { ...layout, [name]: { ...((layout as Exports)[name] as object), ...change } }
}

async function checkWith(t: Test, compiler: string, events: 'EPOLL_EVENT_X64' | 'EPOLL_EVENT_ARM64'): Promise<void> {
  t.test('agrees with the C headers', async (t) => t.equal(complaints(compiler, assertions(layout)), ''))
  t.test('would not if a size, an offset or a constant were wrong', async (t) => {
    t.match(complaints(compiler, assertions(replaced('MSGHDR', { msg_controllen: 44 }))), 'msg_controllen) is not 44')
    t.match(complaints(compiler, assertions(replaced('MMSGHDR', { size: 60 }))), 'sizeof(struct mmsghdr) is not 60')
    t.match(complaints(compiler, assertions(replaced(events, { size: 20 }))), 'sizeof(struct epoll_event) is not 20')
    t.match(complaints(compiler, assertions({ ...layout, UDP_GRO: 105 })), 'UDP_GRO is not 105')
  })
}

t.test('layout.ts', async (t) => {
  const cases: readonly [processor: string, peer: Peer, compiler: string, events: keyof typeof EVENTS][] = [
    ['this processor', 'C compiler', 'gcc', process.arch === 'arm64' ? 'EPOLL_EVENT_ARM64' : 'EPOLL_EVENT_X64'],
    ['arm64', 'C compiler for arm64', 'aarch64-linux-gnu-gcc', 'EPOLL_EVENT_ARM64'],
  ]
  for (const [processor, peer, compiler, events] of cases) {
    t.test(`for ${processor}`, { skip: peerOrSkip(peer) }, (t) =>
      checkWith(t, compiler, events as 'EPOLL_EVENT_X64' | 'EPOLL_EVENT_ARM64'),
    )
  }

  t.test('has nothing that is not checked', async (t) => {
    t.throws(() => assertions({ ...layout, STAT: { size: 144 } }), {
      message: 'no C name is known for STAT of layout.ts',
    })
  })

  t.test('chooses the events of this processor', async (t) => {
    const { EPOLL_EVENT, EPOLL_EVENT_ARM64, EPOLL_EVENT_X64 } = layout
    t.equal(EPOLL_EVENT, process.arch === 'arm64' ? EPOLL_EVENT_ARM64 : EPOLL_EVENT_X64)
  })
})
