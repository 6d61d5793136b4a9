/** STDERR as text that may go into a log: the application, or whoever it repeats, must not forge lines there. */
import { checkBuffer } from '../arguments.ts'

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g
const lastNewlines = /[\r\n]+$/

/**
 * The content of a STDERR record, read as UTF-8, without the line ends it closes with and with `.` for every other
 * control character, as HAProxy logs it.
 * @throws UsageError `ERR_SLUICE_OPTION`
 */
export function formatStderr(content: Buffer): string {
  checkBuffer('the content', content)
  return content.toString('utf8').replace(lastNewlines, '').replace(controls, '.')
}
