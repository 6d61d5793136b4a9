/**
 * From a record of a database to outputs. Databases of MaxMind nest their fields (`country.iso_code`), others have them flat
 * (`country_code`), and some name a country by its code alone: all of them are read, whatever the database says it is.
 */
import { isPlainObject } from '../../base/options.ts'
import type { OutputValue } from '../frame/definition.ts'

/** Outputs of one record: those that it has something for. */
export type GeoFields = Readonly<Record<string, OutputValue>>

/** Where each output may stand; the first that is of its kind counts. `*` is the language, a number an element. */
const texts: Readonly<Record<string, readonly string[]>> = {
  country: ['country.iso_code', 'country_code', 'country'],
  continent: ['continent.code', 'continent_code', 'continent'],
  registered_country: ['registered_country.iso_code', 'registered_country_code'],
  subdivision: ['subdivisions.0.iso_code', 'region_code', 'state1', 'state', 'region'],
  city: ['city.names.*', 'city.names.en', 'city'],
  as_org: ['autonomous_system_organization', 'as_org', 'as_name', 'organization'],
  tz: ['location.time_zone', 'time_zone', 'timezone'],
}

const numbers: Readonly<Record<string, readonly string[]>> = {
  lat: ['location.latitude', 'latitude', 'lat'],
  lon: ['location.longitude', 'longitude', 'lng', 'lon'],
}

const asnPaths = ['autonomous_system_number', 'asn', 'as_number']
const euPaths = ['country.is_in_european_union', 'is_in_european_union', 'is_eu']

/** Reads what a record says. */
export function readFields(record: unknown, locale: string): GeoFields {
  const fields: Record<string, OutputValue> = {}
  const find = (paths: readonly string[]) => paths.map((path) => valueAt(record, path.replace('*', locale)))
  for (const [name, paths] of Object.entries(texts)) {
    const found = find(paths).find((value) => typeof value === 'string' && value !== '')
    if (found !== undefined) fields[name] = found as string
  }
  for (const [name, paths] of Object.entries(numbers)) {
    const found = find(paths).find(
      (value) => Number.isFinite(Number(value)) && value !== '' && value !== null,
    )
    if (found !== undefined) fields[name] = String(Number(found))
  }
  const asn = find(asnPaths)
    .map(asnOf)
    .find((value) => value !== undefined)
  if (asn !== undefined) fields['asn'] = asn
  const eu = find(euPaths).find((value) => typeof value === 'boolean')
  if (eu !== undefined) fields['is_eu'] = eu as boolean
  return fields
}

/** `64496`, and `AS64496` of others. */
function asnOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const match = typeof value === 'string' ? /^(?:AS)?(\d{1,10})$/i.exec(value) : null
  return match === null ? undefined : Number(match[1])
}

function valueAt(record: unknown, path: string): unknown {
  let value = record
  for (const step of path.split('.')) {
    if (Array.isArray(value)) value = value[Number(step)]
    else if (isPlainObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}
