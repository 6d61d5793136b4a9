/** What the inspector tells of a connection: one entry for each thing that happened, in order, whatever the protocol. */

/** Who sent it: the client is HAProxy (or a web server), the server is the agent (or the FastCGI application). */
export type Side = 'client' | 'server'

/** A protocol that is taken apart. */
export type Protocol = 'spop' | 'fcgi'

/** How bad it is: `error` costs an answer or a connection, `warning` may, `note` is good to know. */
export type Severity = 'error' | 'warning' | 'note'

/** Something that is wrong, in words; see rules.ts. */
export interface Finding {
  /** The name of the rule, such as `action.nb-args`: stable, for programs. */
  readonly rule: string
  readonly severity: Severity
  readonly text: string
  /** Where the rule comes from. */
  readonly source: string
}

/** A value with its name and its type on the wire. */
export interface NamedValue {
  /** Empty for an unnamed argument. */
  readonly name: string
  /** `string`, `int64`, `ipv4` …: the specification's names. */
  readonly type: string
  /** Bytes are hexadecimal; an integer that a number cannot hold is its digits. */
  readonly value: string | number | boolean | null
  /** The headers in bytes that are a whole `req.hdrs_bin` or `res.hdrs_bin`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

/** A part of a frame: a message, an action, or the values of a HELLO. */
export interface Detail {
  /** `message`, `set-var`, `unset-var`, `values`, `fragment`, `head`, `params`. */
  readonly kind: string
  /** The message's or variable's name; empty where there is none. */
  readonly name: string
  readonly values: readonly NamedValue[]
}

interface EntryBase {
  /** Milliseconds since 1970, with a fraction where the source has one. */
  readonly time: number
  /** The number of the connection, from 1. */
  readonly connection: number
  readonly findings: readonly Finding[]
}

/** A connection begins. */
export interface OpenEntry extends EntryBase {
  readonly kind: 'open'
  /** As text: `127.0.0.1:40312`, or a path. */
  readonly client: string
  readonly server: string
}

/** A frame of SPOP, or a record of FastCGI. */
export interface FrameEntry extends EntryBase {
  readonly kind: 'frame'
  readonly from: Side
  readonly protocol: Protocol
  /** As the specification writes it: `NOTIFY`, `STDOUT`. */
  readonly name: string
  /** `7/1` (stream and frame), or the request id; undefined for what belongs to none. */
  readonly ids: string | undefined
  /** Bytes: of SPOP what `max-frame-size` limits, of FastCGI the content. */
  readonly size: number
  /** Names of the flags that are set. */
  readonly flags: readonly string[]
  readonly details: readonly Detail[]
  /** Milliseconds since the question, of an answer. */
  readonly after: number | undefined
  /** The messages that it asks: of a fragmented NOTIFY with the last fragment. */
  readonly messages: readonly string[]
  /** Whether more fragments of it follow. */
  readonly continues: boolean
  /** The whole frame as it came, length field included, nothing hidden. */
  readonly bytes: Buffer
}

/** Bytes that are no frame: nothing more is taken apart in this direction. */
export interface BrokenEntry extends EntryBase {
  readonly kind: 'broken'
  readonly from: Side
  /** As they came, nothing hidden. */
  readonly bytes: Buffer
  /** The first of them in hexadecimal, secrets hidden. */
  readonly sample: string
}

/** A side ended the connection, or its half of it. */
export interface EndEntry extends EntryBase {
  readonly kind: 'end'
  readonly from: Side
  readonly how: 'fin' | 'reset'
}

/** Nothing came when something should have. */
export interface SilenceEntry extends EntryBase {
  readonly kind: 'silence'
  readonly ids: string
}

/** Bytes of a side are not in the capture. */
export interface GapEntry extends EntryBase {
  readonly kind: 'gap'
  readonly from: Side
  readonly size: number
}

/** Something that happened on a connection. */
export type Entry = OpenEntry | FrameEntry | BrokenEntry | EndEntry | SilenceEntry | GapEntry
