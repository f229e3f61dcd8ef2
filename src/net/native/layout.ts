// Sizes and offsets (bytes) of the kernel's structs, and its constants, as the native engine uses them: Linux on x86-64 and arm64,
// LP64, little-endian. From the kernel's uapi headers and glibc's; a test compares them with both compilers' headers.

/** struct epoll_event is packed on x86-64 only (uapi/linux/eventpoll.h). */
export interface EpollEventLayout {
  readonly size: number
  readonly data: number
}
export const EPOLL_EVENT_X64: EpollEventLayout = { size: 12, data: 4 }
export const EPOLL_EVENT_ARM64: EpollEventLayout = { size: 16, data: 8 }
export const EPOLL_EVENT: EpollEventLayout = process.arch === 'arm64' ? EPOLL_EVENT_ARM64 : EPOLL_EVENT_X64

export const MSGHDR = {
  size: 56,
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
} as const
export const MMSGHDR = { size: 64, msg_hdr: 0, msg_len: 56 } as const
export const IOVEC = { size: 16, iov_base: 0, iov_len: 8 } as const
/** Data follows the header; the next header begins at a multiple of 8. */
export const CMSGHDR = { size: 16, cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } as const
export const SOCKADDR_IN = { size: 16, sin_family: 0, sin_port: 2, sin_addr: 4 } as const
export const SOCKADDR_IN6 = {
  size: 28,
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
} as const
export const IN_PKTINFO = { size: 12, ipi_ifindex: 0, ipi_spec_dst: 4, ipi_addr: 8 } as const
export const IN6_PKTINFO = { size: 20, ipi6_addr: 0, ipi6_ifindex: 16 } as const
export const SOCK_EXTENDED_ERR = {
  size: 16,
  ee_errno: 0,
  ee_origin: 4,
  ee_type: 5,
  ee_code: 6,
  ee_info: 8,
  ee_data: 12,
} as const

/** A program of classic BPF, and one of its instructions (uapi/linux/filter.h). */
export const SOCK_FPROG = { size: 16, len: 0, filter: 8 } as const
export const SOCK_FILTER = { size: 8, code: 0, jt: 2, jf: 3, k: 4 } as const

export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_REUSEPORT = 15
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const SO_ATTACH_REUSEPORT_CBPF = 51

export const IPPROTO_IP = 0
export const IP_TOS = 1
export const IP_PKTINFO = 8
export const IP_MTU_DISCOVER = 10
export const IP_RECVERR = 11
export const IP_RECVTOS = 13
export const IP_PMTUDISC_DONT = 0
export const IP_PMTUDISC_DO = 2
export const IP_PMTUDISC_OMIT = 5

export const IPPROTO_IPV6 = 41
export const IPV6_MTU_DISCOVER = 23
export const IPV6_RECVERR = 25
export const IPV6_V6ONLY = 26
export const IPV6_RECVPKTINFO = 49
export const IPV6_PKTINFO = 50
export const IPV6_DONTFRAG = 62
export const IPV6_RECVTCLASS = 66
export const IPV6_TCLASS = 67

export const SOL_TCP = 6
export const TCP_NOTSENT_LOWAT = 25

export const SOL_UDP = 17
export const UDP_SEGMENT = 103
export const UDP_GRO = 104
/** Segments of one send (include/linux/udp.h: UDP_MAX_SEGMENTS was 64 until Linux 6.10). */
export const UDP_SEGMENT_COUNT_MAX = 64
/** Entries of one message (uapi/linux/uio.h). */
export const UIO_MAXIOV = 1024

export const MSG_CTRUNC = 0x8
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40
export const MSG_ERRQUEUE = 0x2000

export const F_DUPFD_CLOEXEC = 1030

export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLLIN = 0x1
export const EPOLLERR = 0x8
export const EPOLL_CLOEXEC = 0o2000000
export const EFD_NONBLOCK = 0o4000
export const EFD_CLOEXEC = 0o2000000

export const EINTR = 4
export const EIO = 5
export const EAGAIN = 11
export const EACCES = 13
export const EINVAL = 22
export const EMFILE = 24
export const EMSGSIZE = 90
export const EADDRINUSE = 98
export const EADDRNOTAVAIL = 99
export const ENOBUFS = 105
export const ECONNREFUSED = 111

/** Where an entry of the error queue comes from (uapi/linux/errqueue.h). */
export const SO_EE_ORIGIN_LOCAL = 1
export const SO_EE_ORIGIN_ICMP = 2
export const SO_EE_ORIGIN_ICMP6 = 3

/** The space that a control message with so many bytes of data takes (CMSG_SPACE). */
export function controlSpace(dataLength: number): number {
  return CMSGHDR.size + ((dataLength + 7) & ~7)
}
