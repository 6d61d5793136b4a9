/** Converters of MQTT packets (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import { mqttFields, readMqtt } from '../mqtt.ts'
import { bool, bytesOf, str } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

function buildFieldValue(args: Arguments): Converter | undefined {
  const name = (args.text(0) ?? '').toLowerCase()
  const type =
    name === 'connect' || name === '1'
      ? 'connect'
      : name === 'connack' || name === '2'
        ? 'connack'
        : undefined
  if (type === undefined)
    return args.wrong(0, `'${args.text(0) ?? ''}' is no MQTT packet that is read`, 'CONNECT and CONNACK are')
  const field = (args.text(1) ?? '').toLowerCase()
  if (!mqttFields[type].has(field)) {
    const known = [...mqttFields[type]].join(', ')
    return args.wrong(1, `'${args.text(1) ?? ''}' is no field of ${type.toUpperCase()}`, `known are ${known}`)
  }
  return (value) => {
    const packet = readMqtt(bytesOf(value))
    const found = typeof packet === 'string' || packet.type !== type ? undefined : packet.fields.get(field)
    return found === undefined ? undefined : str(found)
  }
}

/** The registry entries of this file. */
export const mqttConverters: readonly ConverterSpec[] = [
  {
    name: 'mqtt_is_valid',
    args: [],
    input: 'bin',
    output: 'bool',
    doc: 'Whether it is an MQTT packet CONNECT or CONNACK; none while it is not whole.',
    settles: true,
    build: () => (value) => {
      const packet = readMqtt(bytesOf(value))
      return packet === 'incomplete' ? undefined : bool(packet !== 'invalid')
    },
  },
  {
    name: 'mqtt_field_value',
    args: [
      { name: 'packettype', type: 'str' },
      { name: 'fieldname_or_property_ID', type: 'str' },
    ],
    input: 'bin',
    output: 'str',
    doc: 'A field of an MQTT packet CONNECT or CONNACK, by its name or the number of its property.',
    settles: true,
    build: buildFieldValue,
  },
]
