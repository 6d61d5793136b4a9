/** Applications that go, answer when nobody has asked, or do not answer. */
import { reply } from '../../fcgi/support.ts'
import { bad, closeAt, fine, hello, late, leave, stdout } from './application.ts'
import type { Hostile } from './application.ts'

const closing: readonly Hostile[] = (['end', 'reset'] as const).flatMap((how) => [
  {
    what: `${how} when somebody connects`,
    atOnce: true,
    play: (peer) => leave(peer, how),
    ...bad('CONNECTION_LOST'),
  },
  { what: `${how} at BEGIN_REQUEST`, play: (peer) => leave(peer, how), ...bad('CONNECTION_LOST') },
  { what: `${how} at the end of PARAMS`, play: closeAt('PARAMS', how), ...bad('CONNECTION_LOST') },
  { what: `${how} at the end of STDIN`, play: closeAt('STDIN', how), ...bad('CONNECTION_LOST') },
  {
    what: `${how} within a body that is sent`,
    method: 'POST',
    play: closeAt('PARAMS', how),
    ...bad('CONNECTION_LOST'),
  },
])

const tempers: readonly Hostile[] = [
  {
    what: 'the end within a head',
    play: closeAt('STDIN', 'end', (id) => stdout(id, 'A: b\r\n')),
    ...bad('CONNECTION_LOST'),
  },
  {
    what: 'the end within a body',
    play: closeAt('STDIN', 'end', (id) => stdout(id, hello)),
    library: '200 cut ERR_FCGI_CONNECTION_LOST',
    proxy: '200 cut',
  },
  { what: 'the end behind STDOUT', play: closeAt('STDIN', 'end', (id) => stdout(id, hello, '')), ...fine },
  {
    what: 'an answer to a body that it never reads',
    method: 'POST',
    stands: true,
    play: async (peer, id) => {
      await peer.until('PARAMS', id)
      peer.socket.pause()
      peer.send(reply(id))
    },
    ...fine,
  },
  {
    what: 'an answer and the end, the body unread',
    method: 'POST',
    play: closeAt('PARAMS', 'end', (id) => [reply(id)]),
    ...fine,
  },
  { what: 'an answer before the parameters', play: (peer, id) => peer.send(reply(id)), ...fine },
  { what: 'nothing at all', play: () => {}, ...late },
  {
    what: 'nothing, and it reads nothing',
    method: 'POST',
    stands: true,
    play: (peer) => void peer.socket.pause(),
    ...late,
  },
  {
    what: 'an answer when it is aborted',
    play: async (peer, id) => {
      await peer.until('ABORT', id)
      peer.send(reply(id))
    },
    ...late,
  },
  {
    what: 'random bytes',
    play: (peer) => peer.send(Buffer.from('deadbeef'.repeat(1000), 'hex')),
    ...bad('VERSION'),
  },
]

/** All of them. */
export const hostileTempers: readonly Hostile[] = [...closing, ...tempers]
