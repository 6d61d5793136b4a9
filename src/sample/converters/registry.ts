/** All converters. */
import { cryptoConverters } from './crypto.ts'
import { encodingConverters } from './encoding.ts'
import { fixConverters } from './fix.ts'
import { integerConverters } from './integer.ts'
import { jsonQueryConverters } from './json-query.ts'
import { jsonConverters } from './json.ts'
import { languageConverters } from './language.ts'
import { mapConverters } from './map.ts'
import { mqttConverters } from './mqtt.ts'
import type { ConverterSpec } from './spec.ts'
import { stateConverters } from './state.ts'
import { textConverters } from './text.ts'
import { timeConverters } from './time.ts'

/** Every converter, in the order of the documentation. */
export const converters: readonly ConverterSpec[] = [
  ...textConverters,
  ...integerConverters,
  ...encodingConverters,
  ...cryptoConverters,
  ...jsonConverters,
  ...jsonQueryConverters,
  ...fixConverters,
  ...mqttConverters,
  ...timeConverters,
  ...languageConverters,
  ...stateConverters,
  ...mapConverters,
]
