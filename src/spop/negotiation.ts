/**
 * The HELLO handshake (SPOE.txt 3.2.4, 3.2.5) as two pure functions, one for each end: what was announced goes in,
 * what holds for the connection comes out.
 */
import { refuseArgument } from '../base/options.ts'
import { checkObject, checkText } from './arguments.ts'
import { SpopError } from './errors.ts'
import { leastMaxFrameSize } from './frame-head.ts'
import type { AgentHelloFrame, HaproxyHelloFrame } from './hello.ts'

/** The version that both ends of sluice speak. SPOP 1.0 (HAProxy before 1.8.10) had its flags in host order. */
export const spopVersion = '2.0'

/** A capability (SPOE.txt 3.2.1). */
export type Capability = 'pipelining' | 'async' | 'fragmentation'

/** What holds for a connection after the handshake. */
export interface Agreement {
  /** The largest frame either end may send, in bytes, without the length field. */
  readonly maxFrameSize: number
  /** ACKs may come in any order, and NOTIFYs need not wait for them. */
  readonly pipelining: boolean
  /** ACKs may come on any connection of the same engine. */
  readonly async: boolean
  /** The *peer* takes fragmented payloads. */
  readonly fragmentation: boolean
}

/** What one end offers. */
export interface Offer {
  /** The largest frame it takes, in bytes, without the length field. */
  readonly maxFrameSize: number
  /** What it can do beside the protocol itself. */
  readonly capabilities: readonly Capability[]
}

/** Splits a comma-separated list; blanks around and empty entries do not count. */
export function parseList(text: string): string[] {
  checkText('parseList: the list', text)
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

interface Version {
  readonly major: number
  readonly minor: number
}

function parseVersion(text: string): Version {
  const match = /^(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) throw new SpopError('ERR_SPOP_UNSUPPORTED_VERSION', `'${text}' is not Major.Minor`)
  return { major: Number(match[1]), minor: Number(match[2]) }
}

/** "2.0, 1.5" means 2.0 and 1.0 to 1.5: a list that names major 2 holds 2.0. */
function checkSupportedVersions(text: string): void {
  const versions = parseList(text).map(parseVersion)
  if (versions.some(({ major }) => major === 2)) return
  throw new SpopError('ERR_SPOP_UNSUPPORTED_VERSION', `the peer speaks '${text}', we speak ${spopVersion}`)
}

function checkOffer(hello: object, offer: Offer): void {
  checkObject('the frame', hello)
  checkObject('the offer', offer)
  if (!Array.isArray(offer.capabilities) || typeof offer.maxFrameSize !== 'number') {
    refuseArgument('the offer', 'must be { maxFrameSize, capabilities }', offer)
  }
}

/**
 * The agent's end. The health check announces no capabilities and no engine-id, and that is fine.
 * @throws SpopError with the status code for AGENT-DISCONNECT.
 */
export function acceptHaproxyHello(
  hello: HaproxyHelloFrame,
  offer: Offer,
): { readonly reply: AgentHelloFrame; readonly agreement: Agreement } {
  checkOffer(hello, offer)
  if (hello.supportedVersions === undefined) throw new SpopError('ERR_SPOP_NO_VERSION')
  if (hello.maxFrameSize === undefined) throw new SpopError('ERR_SPOP_NO_MAX_FRAME_SIZE')
  if (hello.capabilities === undefined) throw new SpopError('ERR_SPOP_NO_CAPABILITIES')
  checkSupportedVersions(hello.supportedVersions)
  if (hello.maxFrameSize < leastMaxFrameSize) {
    throw new SpopError(
      'ERR_SPOP_BAD_MAX_FRAME_SIZE',
      `${hello.maxFrameSize}, the least is ${leastMaxFrameSize}`,
    )
  }
  const maxFrameSize = Math.min(offer.maxFrameSize, hello.maxFrameSize)
  const theirs = parseList(hello.capabilities)
  // HAProxy never lists fragmentation, yet sends fragments to an agent that does: that one is not intersected.
  const ours = offer.capabilities.filter((each) => each === 'fragmentation' || theirs.includes(each))
  return {
    reply: { type: 'agent-hello', version: spopVersion, maxFrameSize, capabilities: ours.join(',') },
    agreement: {
      maxFrameSize,
      pipelining: ours.includes('pipelining'),
      async: ours.includes('async'),
      fragmentation: theirs.includes('fragmentation'),
    },
  }
}

/**
 * The engine's end, with HAProxy's tolerance: spaces around the version, capabilities that are not there.
 * @throws SpopError with the status code for HAPROXY-DISCONNECT.
 */
export function acceptAgentHello(hello: AgentHelloFrame, offer: Offer): Agreement {
  checkOffer(hello, offer)
  if (hello.version === undefined) throw new SpopError('ERR_SPOP_NO_VERSION')
  const version = parseVersion(hello.version.trim())
  if (version.major !== 2 || version.minor !== 0) {
    throw new SpopError(
      'ERR_SPOP_UNSUPPORTED_VERSION',
      `the agent speaks '${hello.version}', we speak ${spopVersion}`,
    )
  }
  if (hello.maxFrameSize === undefined) throw new SpopError('ERR_SPOP_NO_MAX_FRAME_SIZE')
  if (hello.maxFrameSize < leastMaxFrameSize || hello.maxFrameSize > offer.maxFrameSize) {
    throw new SpopError(
      'ERR_SPOP_BAD_MAX_FRAME_SIZE',
      `${hello.maxFrameSize}, wanted ${leastMaxFrameSize} to ${offer.maxFrameSize}`,
    )
  }
  const theirs = parseList(hello.capabilities ?? '')
  const both = (capability: Capability) =>
    theirs.includes(capability) && offer.capabilities.includes(capability)
  return {
    maxFrameSize: hello.maxFrameSize,
    pipelining: both('pipelining'),
    async: both('async'),
    fragmentation: theirs.includes('fragmentation'),
  }
}
