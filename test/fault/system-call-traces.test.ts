// Lines as strace writes them, of which the judgement of failing-calls.test.ts depends.
import t from 'tap'
import { boundPort, carriedBytes, tracedCalls } from './system-call-traces.js'

const TRACE = `\
101   sendmsg(21, {msg_name={sa_family=AF_INET, sin_port=htons(40001), sin_addr=inet_addr("127.0.0.1")}, msg_namelen=16, msg_iov=[{iov_base=""..., iov_len=164}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = -1 EPERM (Operation not permitted) (INJECTED)
102   sendmmsg(30, [{msg_hdr={msg_iov=[{iov_base=""..., iov_len=328}]}}, {msg_hdr={msg_iov=[{iov_base=""..., iov_len=160}]}}], 2, MSG_DONTWAIT <unfinished ...>
101   bind(23, {sa_family=AF_INET, sin_port=htons(11234), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
102   <... sendmmsg resumed>) = -1 ENOBUFS (No buffer space available) (INJECTED)
103   bind(24, {sa_family=AF_INET6, sin6_port=htons(11235), sin6_flowinfo=htonl(0)}, 28) = -1 EADDRINUSE (Address already in use) (INJECTED)
101   sendto(21, ""..., 100, 0, {sa_family=AF_INET}, 16) = 100
103   +++ exited with 0 +++
104   recvmsg(9, {msg_namelen=0}, 0) = -1 EAGAIN (Resource temporarily unavailable)
`

t.test('system calls as strace writes them', async (t) => {
  const calls = tracedCalls(TRACE)
  t.same(
    calls.map(({ isInjected, name, thread }) => [thread, name, isInjected]),
    [
      [101, 'sendmsg', true],
      [101, 'bind', false],
      [102, 'sendmmsg', true],
      [103, 'bind', true],
      [101, 'sendto', false],
      [104, 'recvmsg', false],
    ],
  )
  const [sendmsg, bind, sendmmsg, bind6, sendto] = calls
  t.same([sendmsg, sendmmsg, sendto].map(carriedBytes), [164, 488, 100])
  t.same([bind, bind6, sendto].map(boundPort), [11234, 11235, null])
})
