/** HELLOs that several groups of checks send. */
import { haproxyHelloBytes } from '../haproxy-bytes.ts'

const engineId = '7f3c51aa-08d2-4f0e-9b8c-2f1d6a3e5b90'

/** As HAProxy 2.6 says it. */
export const hello26: Buffer = haproxyHelloBytes({
  capabilities: 'pipelining,async',
  engineId,
  maxFrameSize: 16_380,
})
/** As HAProxy 3.1 and later say it. */
export const hello3x: Buffer = haproxyHelloBytes({
  capabilities: 'pipelining',
  engineId,
  maxFrameSize: 16_380,
})
