import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cookieValues,
  headerValue,
  headerValues,
  lowerAscii,
  parameterValues,
  pathAndQuery,
  pathOf,
  trimSpace,
  upperAscii,
} from '#src/sample/http-text.js'

const headers = [
  ['Via', ' 1.0 a , 1.1 b'],
  ['X', 'one'],
  ['VIA', '"x, y\\", z", last'],
] as const

test('header values are split at commas outside quotes', () => {
  assert.deepEqual(headerValues(headers, 'via', false), ['1.0 a', '1.1 b', '"x, y\\", z"', 'last'])
  assert.deepEqual(headerValues(headers, 'via', true), ['1.0 a , 1.1 b', '"x, y\\", z", last'])
  assert.deepEqual(headerValues(headers, '', true).length, 3)
  assert.deepEqual(headerValues([['a', ',']], 'a', false), ['', ''])
  assert.deepEqual(headerValues([['a', '']], 'a', false), [''])
})

test('occurrences count from either end', () => {
  const pick = (at: number, full = false) => headerValue(headers, 'via', at, full)
  assert.equal(pick(0), '1.0 a')
  assert.equal(pick(1), '1.0 a')
  assert.equal(pick(2), '1.1 b')
  assert.equal(pick(-1), 'last')
  assert.equal(pick(-4), '1.0 a')
  assert.equal(pick(5), undefined)
  assert.equal(pick(-5), undefined)
  assert.equal(pick(-1, true), '"x, y\\", z", last')
  assert.equal(headerValue(headers, 'x', -1, false), 'one')
  assert.equal(headerValue(headers, 'x', 2, false), undefined)
  assert.equal(headerValue(headers, 'nope', 1, false), undefined)
})

test('case changes leave other than ASCII letters alone', () => {
  assert.equal(lowerAscii('\xc9T\xc9'), '\xc9t\xc9')
  assert.equal(upperAscii('\xe9t\xe9\xff'), '\xe9T\xe9\xff')
  assert.equal(trimSpace(' \t\r\n a b \xa0 '), 'a b \xa0')
})

test('cookies: quotes, blanks, dollar names, and the empty value at the end', () => {
  assert.deepEqual(cookieValues('a=1; b = 2 ;a="x;y"', 'a', true), ['1', '"x;y"'])
  assert.deepEqual(cookieValues('a=1; b = 2', 'b', true), ['2'])
  assert.deepEqual(cookieValues('a=; b=2', 'a', true), [''])
  assert.deepEqual(cookieValues('b=2;a=', 'a', true), [])
  assert.deepEqual(cookieValues('$a=1; novalue; a=2', '', true), ['2'])
  assert.deepEqual(cookieValues('a=1; Path=/; a=2', 'a', false), ['1'])
  assert.deepEqual(cookieValues('a=1; Path=/', 'Path', false), [])
})

test('parameters', () => {
  assert.deepEqual(parameterValues('a=1&b=2;a=3', 'a', '?'), ['1', '3'])
  assert.deepEqual(parameterValues('aa=1&a=2', 'a', '?'), ['2'])
  assert.deepEqual(parameterValues('a=1&b=2', '', '?'), ['1', '2'])
  assert.deepEqual(parameterValues('a', 'a', '?'), [])
  assert.deepEqual(parameterValues('a=', 'a', '?'), [''])
})

test('paths of all forms of a target', () => {
  assert.equal(pathAndQuery('/a?b'), '/a?b')
  assert.equal(pathOf('http://h:1/a?b'), '/a')
  assert.equal(pathOf('http://h'), undefined)
  assert.equal(pathOf('*'), undefined)
  assert.equal(pathOf('host:443'), undefined)
})
