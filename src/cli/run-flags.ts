/** The flags of `sluice run`: HAProxy's own, so that a service file, a script or VTest need not know which of the two it starts. */
import { UsageError } from '../base/errors.ts'
import { logLevels, type LogLevel } from '../base/logger.ts'
import { parseAgentFlag, type AgentFlag } from './mounted-agents.ts'

/** What was asked for. */
export interface RunFlags {
  /** Files and folders, in their order. */
  readonly files: readonly string[]
  /** `-C`: where relative names begin. */
  readonly folder: string | undefined
  /** `-c`: check and end. */
  readonly check: boolean
  /** `-cc`: evaluate this condition of an `.if` and end. */
  readonly condition: string | undefined
  /** `-dW`: a warning is an error. */
  readonly zeroWarnings: boolean
  /** `-q`: no messages. */
  readonly quiet: boolean
  /** `-D`: in the background. */
  readonly daemon: boolean
  /** `-W`: with the manners of HAProxy's master process. */
  readonly worker: boolean
  /** `-S`: where HAProxy's master would take commands. */
  readonly masterCli: string | undefined
  /** `-n`: wins over `global maxconn`. */
  readonly maxconn: number | undefined
  /** `-L`: `HAPROXY_LOCALPEER` for the configuration. */
  readonly localPeer: string | undefined
  /** `-p`: the process id is written here. */
  readonly pidFile: string | undefined
  /** `--agent`: agents that run in this process. */
  readonly agents: readonly AgentFlag[]
  /** `--record`: SPOE exchanges are written there. */
  readonly record: string | undefined
  /** `--record-size`: bytes of each file. */
  readonly recordSize: number | undefined
  /** `--record-files`: how many files there may be. */
  readonly recordFiles: number | undefined
  /** `--record-omit`: whose values are left out. */
  readonly recordOmit: readonly string[]
  /** `--status`: the address of the status port. */
  readonly status: string | undefined
  readonly logLevel: LogLevel
  /** `-v`: print the version and end. */
  readonly version: boolean
}

type Draft = { -readonly [Key in keyof RunFlags]: RunFlags[Key] } & { files: string[]; agents: AgentFlag[] }

/** One flag: `value` is what its argument is called, where it has one. */
interface Flag {
  readonly names: readonly string[]
  readonly value?: string
  readonly help: string
  readonly read: (draft: Draft, value: string) => void
}

const flags: readonly Flag[] = [
  {
    names: ['-f', '--file'],
    value: 'file',
    help: 'configuration file, or folder of .cfg files; may be repeated',
    read: (draft, value) => void draft.files.push(value),
  },
  {
    names: ['-c'],
    help: 'check the configuration and end: 0 valid, 1 not, 2 nothing to listen on',
    read: (draft) => (draft.check = true),
  },
  {
    names: ['-cc'],
    value: 'condition',
    help: 'evaluate the condition of an .if and end: 0 true, 1 false, 2 cannot be read',
    read: (draft, value) => (draft.condition = value),
  },
  {
    names: ['-C'],
    value: 'folder',
    help: 'change to this folder first',
    read: (draft, value) => (draft.folder = value),
  },
  {
    names: ['-D'],
    help: 'go to the background once it listens',
    read: (draft) => (draft.daemon = true),
  },
  {
    names: ['-d'],
    help: 'stay in the foreground, and log at level debug',
    read: (draft) => (draft.logLevel = 'debug'),
  },
  { names: ['-db'], help: 'stay in the foreground', read: () => {} },
  {
    names: ['-W'],
    help: "no other process is started; SIGINT ends it with 130, as HAProxy's master",
    read: (draft) => (draft.worker = true),
  },
  {
    names: ['-S'],
    value: 'address',
    help: 'taken and not listened on: there is no master CLI',
    read: (draft, value) => (draft.masterCli = value),
  },
  {
    names: ['-n'],
    value: 'number',
    help: 'most connections of the process; wins over global maxconn',
    read: (draft, value) => (draft.maxconn = parseNumber('-n', value)),
  },
  {
    names: ['-L'],
    value: 'name',
    help: 'name of the local peer: HAPROXY_LOCALPEER in the configuration',
    read: (draft, value) => (draft.localPeer = value),
  },
  {
    names: ['-p'],
    value: 'file',
    help: 'write the process id there',
    read: (draft, value) => (draft.pidFile = value),
  },
  { names: ['-q'], help: 'print no messages', read: (draft) => (draft.quiet = true) },
  { names: ['-V'], help: 'print messages after all (ends -q)', read: (draft) => (draft.quiet = false) },
  { names: ['-dW'], help: 'a warning is an error', read: (draft) => (draft.zeroWarnings = true) },
  {
    names: ['-de', '-dp', '-dG', '-dR', '-dS', '-dM'],
    help: "taken and of no effect: parts of HAProxy's own machinery",
    read: () => {},
  },
  { names: ['-v', '-vv'], help: 'print the version and end', read: (draft) => (draft.version = true) },
  {
    names: ['--agent'],
    value: '[name=]file',
    help: "run an agent in this process, for 'server local inproc@NAME'; may be repeated",
    read: (draft, value) => void draft.agents.push(parseAgent(value, draft)),
  },
  {
    names: ['--status'],
    value: 'address',
    help: 'readiness, metrics and a live page on this port, such as 9100; loopback unless told otherwise',
    read: (draft, value) => (draft.status = value),
  },
  {
    names: ['--record'],
    value: 'file',
    help: 'write what agents are asked and answer there, for sluice replay',
    read: (draft, value) => (draft.record = value),
  },
  {
    names: ['--record-size'],
    value: 'bytes',
    help: 'of each file, with k, m or g behind the number (default 100m); then it stops',
    read: (draft, value) => (draft.recordSize = parseSize('--record-size', value)),
  },
  {
    names: ['--record-files'],
    value: 'number',
    help: 'go on in so many files instead: FILE, FILE.1, ... (the oldest is deleted)',
    read: (draft, value) => (draft.recordFiles = parseNumber('--record-files', value)),
  },
  {
    names: ['--record-omit'],
    value: 'names',
    help: 'arguments and variables whose values are not written, with commas; * is all',
    read: (draft, value) => (draft.recordOmit = [...draft.recordOmit, ...value.split(',')]),
  },
  {
    names: ['--log-level'],
    value: 'level',
    help: `least level that is logged: ${logLevels.join(', ')} (default info)`,
    read: (draft, value) => (draft.logLevel = parseLogLevel(value)),
  },
]

const byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)))

/** The flags as `--help` lists them. */
export function formatRunFlags(): string {
  const rows = flags.map(({ names, value, help }) => {
    const left = `${names.join(', ')}${value === undefined ? '' : ` <${value}>`}`
    return `  ${left.padEnd(30)} ${help}`
  })
  return ['Flags:', ...rows, `  ${'-- <file>...'.padEnd(30)} the rest are configuration files`].join('\n')
}

/**
 * Reads what stands behind `sluice run`, as HAProxy's `init_args` does: an argument that is no flag is refused, and `--`
 * ends the flags.
 * @throws UsageError `ERR_SLUICE_OPTION` naming the flag.
 */
export function parseRunFlags(args: readonly string[]): RunFlags {
  const draft: Draft = {
    files: [],
    folder: undefined,
    check: false,
    condition: undefined,
    zeroWarnings: false,
    quiet: false,
    daemon: false,
    worker: false,
    masterCli: undefined,
    maxconn: undefined,
    localPeer: undefined,
    pidFile: undefined,
    agents: [],
    record: undefined,
    recordSize: undefined,
    recordFiles: undefined,
    recordOmit: [],
    status: undefined,
    logLevel: 'info',
    version: false,
  }
  let foreground = false
  for (let at = 0; at < args.length; at++) {
    const name = args[at] ?? ''
    if (name === '--') {
      draft.files.push(...args.slice(at + 1))
      break
    }
    const flag = flagOf(name)
    if (flag.value === undefined) {
      flag.read(draft, '')
      foreground ||= name === '-d' || name === '-db'
      continue
    }
    const value = args[++at]
    if (value === undefined) throw refuse(`${name} wants a ${flag.value}`)
    flag.read(draft, value)
  }
  // Whatever the order, as in HAProxy.
  if (foreground) draft.daemon = false
  const needsFiles = !draft.version && draft.condition === undefined
  checkRecordFlags(draft)
  if (needsFiles && draft.files.length === 0) throw refuse('no configuration file: -f <file>')
  return draft
}

function flagOf(name: string): Flag {
  // -dM takes a byte, -dM0x41: memory that HAProxy fills before it uses it.
  const flag = byName.get(name.startsWith('-dM') ? '-dM' : name)
  if (flag !== undefined) return flag
  throw refuse(name.startsWith('-') ? `unknown flag '${name}'` : `'${name}' is not a flag: use -f ${name}`)
}

function parseNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw refuse(`${name} wants a number, not '${text}'`)
  return Number(text)
}

function parseAgent(text: string, { agents }: Draft): AgentFlag {
  const flag = parseAgentFlag(text)
  if (flag === undefined) throw refuse('--agent wants a file')
  if (!agents.some(({ name }) => name === flag.name)) return flag
  throw refuse(`--agent ${text}: there is an agent '${flag.name}' already, write --agent NAME=FILE`)
}

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

function parseSize(name: string, text: string): number {
  const match = /^(\d{1,9})([kmg]?)$/i.exec(text)
  if (match === null) throw refuse(`${name} wants a number of bytes, or one with k, m or g, not '${text}'`)
  return Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1)
}

/** Who asks for them believes that something is recorded. */
function checkRecordFlags({ record, recordSize, recordFiles, recordOmit }: Draft): void {
  if (recordFiles !== undefined && (recordFiles < 1 || recordFiles > 1000))
    throw refuse(`--record-files wants a number from 1 to 1000, not '${recordFiles}'`)
  if (record !== undefined) return
  const more = recordSize !== undefined || recordFiles !== undefined || recordOmit.length > 0
  if (more) throw refuse('--record-size, --record-files and --record-omit want --record <file>')
}

function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((each) => each === text)
  if (level === undefined) throw refuse(`--log-level is one of ${logLevels.join(', ')}, not '${text}'`)
  return level
}

function refuse(what: string): UsageError {
  return new UsageError('ERR_SLUICE_OPTION', `${what} (sluice run --help lists the flags)`)
}
