/**
 * The agents' backend is a backend: which agents are asked through HAProxy and through sluice, over how many connections, and what
 * becomes of what is asked, for the same configuration and the same load.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { ack } from '../engine/scripted-agent.ts'
import type { AgentPeer, RawFrame } from '../engine/scripted-agent.ts'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { startServers } from './spoe-servers-stage.ts'
import type { ServersScenario, ServersSeen, ServersStage } from './spoe-servers-stage.ts'

const skip = skipWithoutHaproxy()

interface Case extends ServersScenario {
  /** What is compared. */
  readonly of: (seen: ServersSeen) => unknown
  readonly haproxy: unknown
  /** What HAProxy does as well, by chance. */
  readonly orElse?: unknown
  /** What differs on purpose: docs/compatibility.md has it. @default as HAProxy */
  readonly sluice?: unknown
  /** It has programs of its own: lines of `global` are for all of a program, and stream ids grow. */
  readonly alone?: true
}

const sync = ['no option pipelining']
const checked = 'check inter 100ms fall 1'
/** 8 KB each; five are more than a frame has, and less than one of 64 KB. */
const long = (count: number): string => 'abcde'.slice(0, count).replaceAll(/./g, '$&=req.hdr(x-long) ')

const notifies = (seen: ServersSeen): unknown => seen.notifies
const connections = (seen: ServersSeen): unknown => seen.connections
const codes = (seen: ServersSeen): unknown => seen.codes
const disconnects = (seen: ServersSeen): unknown => seen.disconnects
const spread = ({ notifies: asked, codes: failed }: ServersSeen): unknown => [asked, failed]

/** Two NOTIFYs on two connections, each answered on the other one. */
function crossed(): NonNullable<ServersScenario['onNotify']> {
  const byPlay = new Map<readonly AgentPeer[], [AgentPeer, RawFrame]>()
  return (peer, notify, peers) => {
    const before = byPlay.get(peers)
    byPlay.set(peers, [peer, notify])
    if (before === undefined) return
    peer.send(ack(before[1].ids))
    before[0].send(ack(notify.ids))
  }
}

const cases: readonly Case[] = [
  // Which server is asked.
  {
    name: 'a server is down',
    servers: [checked, checked],
    dead: [1],
    awaits: '/a1 is DOWN',
    asks: [1, 20],
    of: spread,
    haproxy: [[20, 0], {}],
  },
  {
    name: 'all servers are down',
    servers: [checked, checked],
    dead: [0, 1],
    awaits: ' has no server available',
    asks: [3],
    of: spread,
    haproxy: [[0, 0], { 2: 3 }],
  },
  { name: 'a backup', servers: ['', 'backup'], asks: [1, 30], of: notifies, haproxy: [30, 0] },
  {
    name: 'a backup, and the other server is down',
    servers: [checked, 'backup'],
    dead: [0],
    awaits: '/a0 is DOWN',
    asks: [1, 20],
    of: spread,
    haproxy: [[0, 20], {}],
  },
  {
    name: 'a backup, and the other server refuses without a check',
    servers: ['', 'backup'],
    dead: [0],
    asks: [2],
    of: spread,
    haproxy: [[0, 0], { 1: 2 }],
    sluice: [[0, 2], {}],
  },
  {
    name: 'two backups, and the first is full',
    servers: ['backup maxconn 1', 'backup'],
    asks: [4],
    takes: 100,
    agent: sync,
    of: connections,
    haproxy: [1, 0],
  },
  { name: 'weight 0', servers: ['', 'weight 0'], asks: [1, 30], of: notifies, haproxy: [30, 0] },
  { name: 'disabled', servers: ['', 'disabled'], asks: [1, 30], of: notifies, haproxy: [30, 0] },
  {
    name: 'default-server disabled',
    servers: ['', ''],
    backend: ['default-server disabled'],
    asks: [4],
    of: spread,
    haproxy: [[0, 0], { 2: 4 }],
  },
  {
    name: 'weights',
    servers: ['weight 30', 'weight 10'],
    asks: [40],
    takes: 300,
    agent: sync,
    of: spread,
    haproxy: [[30, 10], {}],
  },
  {
    name: 'default-server weight',
    servers: ['', 'weight 10'],
    backend: ['default-server weight 30'],
    asks: [40],
    takes: 300,
    agent: sync,
    of: spread,
    haproxy: [[30, 10], {}],
  },
  ...['roundrobin', 'static-rr', 'leastconn'].map((algorithm): Case => ({
    name: `equal weights, balance ${algorithm}`,
    servers: ['', ''],
    backend: [`balance ${algorithm}`],
    asks: [40],
    takes: 300,
    agent: sync,
    of: spread,
    haproxy: [[20, 20], {}],
  })),
  {
    name: 'balance first',
    servers: ['', ''],
    backend: ['balance first'],
    asks: [20],
    takes: 300,
    agent: sync,
    of: spread,
    haproxy: [[20, 0], {}],
  },
  {
    name: 'balance first, and the first is full',
    servers: ['maxconn 3', ''],
    backend: ['balance first'],
    asks: [20],
    takes: 500,
    agent: sync,
    of: ({ connections: [first] }) => first,
    haproxy: 3,
  },
  {
    name: 'HAProxy stays with the connection that it has',
    servers: ['', ''],
    asks: [1, 20],
    of: spread,
    haproxy: [[20, 0], {}],
    sluice: [[10, 10], {}],
  },
  {
    name: 'a server refuses, without a check',
    servers: ['', ''],
    dead: [1],
    asks: [10, 3],
    of: spread,
    haproxy: [[30, 0], {}],
  },
  {
    name: 'a server refuses, retries 0',
    servers: ['', ''],
    dead: [1],
    backend: ['retries 0'],
    asks: [10, 3],
    of: spread,
    haproxy: [[30, 0], {}],
  },
  {
    name: 'a server refuses, option redispatch 1',
    servers: ['', ''],
    dead: [0],
    backend: ['option redispatch 1', 'retries 2'],
    asks: [10, 3],
    of: spread,
    haproxy: [[0, 30], {}],
  },
  // How many connections there are.
  {
    name: 'maxconn',
    servers: ['maxconn 2'],
    asks: [8],
    takes: 50,
    agent: sync,
    of: connections,
    haproxy: [2],
  },
  {
    name: 'what maxconn leaves waiting',
    servers: ['maxconn 2'],
    asks: [8],
    takes: 50,
    agent: sync,
    of: codes,
    // Its applets wait for a place, and what the two that have one could carry waits for them.
    haproxy: { 1: 6 },
    sluice: {},
  },
  {
    name: 'maxconn of a server that two engines use',
    servers: ['maxconn 1'],
    twoEngines: true,
    agent: sync,
    backend: ['timeout server 2s'],
    of: ({ connections: [made = 0], codes: failed }) => [made > 1, failed],
    haproxy: [false, { 1: 1 }],
    // It loses the time of a stream whose applet waits for a place, which it then has when timeout server has ended the other.
    orElse: [true, {}],
  },
  {
    name: 'the place of another engine is had when that one has left it',
    servers: ['maxconn 1'],
    twoEngines: true,
    agent: [...sync, 'timeout idle 200ms'],
    of: spread,
    haproxy: [[2], {}],
  },
  {
    name: '160 at once, without pipelining',
    servers: [''],
    asks: [160],
    takes: 300,
    agent: [...sync, 'timeout processing 20s'],
    of: codes,
    haproxy: {},
  },
  {
    name: 'maxconnrate',
    servers: [''],
    agent: [...sync, 'maxconnrate 3'],
    asks: [8],
    takes: 30,
    of: ({ rate, codes: failed }) => [rate, failed],
    haproxy: [3, { 1: 5 }],
    sluice: [3, {}],
  },
  {
    name: 'maxerrrate',
    servers: [''],
    agent: [...sync, 'maxerrrate 2'],
    asks: [1, 6],
    onNotify: (peer) => peer.socket.destroy(),
    of: spread,
    haproxy: [[2], { 257: 2 }],
  },
  {
    name: 'max-waiting-frames',
    servers: ['maxconn 1'],
    agent: ['max-waiting-frames 2'],
    asks: [4],
    takes: 700,
    of: spread,
    haproxy: [[4], { 1: 2 }],
  },
  // How long they live.
  {
    name: 'timeout idle',
    servers: [''],
    agent: ['timeout idle 200ms'],
    lingers: 600,
    of: disconnects,
    haproxy: ['02'],
  },
  {
    name: 'timeout idle while an answer is awaited',
    servers: [''],
    agent: ['timeout idle 200ms'],
    takes: 400,
    of: codes,
    haproxy: { 256: 1 },
    sluice: {},
  },
  {
    name: 'timeout server of an idle connection',
    servers: [''],
    backend: ['timeout server 200ms'],
    lingers: 600,
    of: disconnects,
    haproxy: ['01'],
  },
  {
    name: 'timeout server while an answer is awaited',
    servers: [''],
    backend: ['timeout server 200ms'],
    asks: [1, 2],
    takes: 600,
    of: ({ codes: failed, disconnects: said }) => [failed, said],
    haproxy: [{ 257: 2 }, ['01', '01']],
  },
  {
    name: 'timeout tunnel in place of timeout server',
    servers: [''],
    backend: ['timeout server 200ms', 'timeout tunnel 5s'],
    takes: 500,
    lingers: 400,
    of: ({ codes: failed, disconnects: said }) => [failed, said],
    haproxy: [{}, []],
  },
  {
    name: 'timeout tunnel while an answer is awaited',
    servers: [''],
    backend: ['timeout tunnel 200ms'],
    takes: 600,
    of: ({ codes: failed, disconnects: said }) => [failed, said],
    haproxy: [{ 257: 1 }, []],
    sluice: [{ 257: 1 }, ['01']],
  },
  // Sizes.
  {
    name: '40 KB in one frame, with tune.bufsize 65536',
    servers: [''],
    alone: true,
    global: ['tune.bufsize 65536'],
    args: long(5),
    size: 'fcf01e', // 65532
    of: ({ largest, notifies: asked, codes: failed }) => [asked, failed, largest > 40_000],
    haproxy: [[1], {}, true],
  },
  {
    name: 'fragments',
    alone: true,
    servers: [''],
    args: long(3),
    capabilities: 'pipelining,fragmentation',
    of: ({ largest, notifies: asked, codes: failed }) => [asked, failed, largest],
    haproxy: [[1], {}, 16_355],
  },
  {
    name: 'no option send-frag-payload',
    servers: [''],
    agent: ['no option send-frag-payload'],
    args: long(3),
    capabilities: 'pipelining,fragmentation',
    of: ({ connections: made, codes: failed }) => [made, failed],
    haproxy: [[0], { 3: 1 }],
  },
  {
    name: 'no option send-frag-payload, max-frame-size 1000',
    servers: [''],
    agent: ['no option send-frag-payload', 'max-frame-size 1000'],
    args: long(1),
    capabilities: 'pipelining,fragmentation',
    of: ({ connections: made, codes: failed }) => [made, failed],
    haproxy: [[0], { 3: 1 }],
  },
  {
    name: 'no option send-frag-payload, and it fits',
    servers: [''],
    agent: ['no option send-frag-payload'],
    args: long(1),
    of: spread,
    haproxy: [[1], {}],
  },
  // Answers on other connections.
  {
    name: 'option async',
    servers: [''],
    agent: ['option async', 'max-waiting-frames 1'],
    capabilities: 'async',
    asks: [2],
    onNotify: crossed(),
    of: spread,
    haproxy: [[2], {}],
  },
  {
    name: 'option async, the other connection is to another server',
    servers: ['', ''],
    agent: ['option async', 'max-waiting-frames 1'],
    capabilities: 'async',
    asks: [2],
    onNotify: crossed(),
    of: ({ notifies: [one = 0, two = 0], codes: failed }) => [one + two, failed],
    haproxy: [2, {}],
  },
]

/** One program on either side for all rows. */
function compared(name: string, rows: readonly Case[]): void {
  describe(name, { skip, concurrency: 8 }, () => {
    let theirs: ServersStage
    let ours: ServersStage
    before(async () => {
      ;[theirs, ours] = await Promise.all([startServers('haproxy', rows), startServers('sluice', rows)])
    })
    after(() => Promise.all([theirs, ours].map((stage) => stage.stop())))

    for (const [place, { name: row, of, haproxy, orElse, sluice = haproxy }] of rows.entries()) {
      it(row, async () => {
        const seen = await Promise.all([theirs, ours].map((stage) => stage.play(place)))
        const [their, our] = seen.map(of)
        const byChance = orElse !== undefined && isDeepStrictEqual(their, orElse)
        assert.deepEqual([their, our], [byChance ? orElse : haproxy, sluice])
      })
    }
  })
}

compared(
  "the agents' backend",
  cases.filter(({ alone }) => alone !== true),
)
for (const each of cases.filter(({ alone }) => alone === true))
  compared(`the agents' backend alone: ${each.name}`, [each])
