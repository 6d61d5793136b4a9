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
  return clean(content.toString('utf8'))
}

function clean(text: string): string {
  return text.replace(lastNewlines, '').replace(controls, '.')
}

/** STDERR of one request, record by record as {@link formatStderr}: a character may begin in one and end in the next. */
export class StderrDecoder {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  /** Takes the content of a record; none is the end of the stream. Undefined: there is nothing to tell. */
  push(content: Buffer): string | undefined {
    if (content.length === 0) return this.end()
    const text = this.#decoder.decode(content, { stream: true })
    return text === '' ? undefined : clean(text)
  }

  /** What is left of a character that nothing ends. */
  end(): string | undefined {
    const text = this.#decoder.decode()
    return text === '' ? undefined : text
  }
}
