import type { ParamEncoding, ParamLimits } from './params.ts'
import { ParamsReader } from './params-reader.ts'

/** Gathers the content of PARAMS records, wherever they were cut, and decodes it at the end of the stream. */
export class ParamsDecoder {
  readonly #reader: ParamsReader

  /** @throws UsageError `ERR_SLUICE_OPTION`. */
  constructor(limits: ParamLimits, encoding: ParamEncoding = 'latin1') {
    this.#reader = new ParamsReader(limits, encoding)
  }

  /**
   * Takes the content of one record, which must stay as it is until {@link ParamsDecoder.finish}.
   * @throws FcgiError `ERR_FCGI_PARAMS_LIMIT`, before memory is taken; UsageError `ERR_SLUICE_OPTION`.
   */
  push(content: Buffer): void {
    this.#reader.push(content)
  }

  /**
   * The parameters in the order they came. When a name comes twice the last value counts, as in PHP.
   * @throws FcgiError `ERR_FCGI_TRUNCATED`, `ERR_FCGI_PARAMS_LIMIT`, `ERR_FCGI_PARAM_VALUE` for a NUL.
   */
  finish(): Map<string, string> {
    return new Map(this.#reader.finish())
  }
}
