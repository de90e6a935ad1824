import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostCheck, isFromStranger } from '../../src/admin/host-check.ts'

const socket = { localAddress: '192.0.2.7', localPort: 9471 }
const names = ['rekeyd.example.com', 'proxy.example.com:8443', '[2001:db8::7]']

describe('hostCheck', () => {
  const isForUs = hostCheck('node.example.com', names)

  for (const host of [
    'localhost',
    'localhost:9471',
    'LocalHost:9471',
    '127.0.0.1',
    '127.9.9.9:9471',
    '[::1]',
    '[::1]:9471',
    'node.example.com',
    'node.example.com:9471',
    '192.0.2.7',
    '192.0.2.7:9471',
    'rekeyd.example.com',
    'Rekeyd.Example.Com:9471',
    'proxy.example.com:8443',
    '[2001:db8::7]',
    '[2001:db8::7]:9471',
  ]) {
    it(`knows ${host}`, () => assert.equal(isForUs(host, socket), true))
  }

  for (const host of [
    undefined,
    '',
    'evil.example.com',
    'evil.example.com:9471',
    'localhost:9472',
    'localhost:09471x',
    'localhost:',
    'localhost.evil.example.com',
    'localhost.',
    'rekeyd.example.com.',
    '.rekeyd.example.com',
    'a.rekeyd.example.com',
    'rekeyd.example.com.evil.com',
    'rekeyd.example.com:80',
    'proxy.example.com',
    'proxy.example.com:9471',
    '127.0.0.1.evil.example.com',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
    '192.0.2.8',
    '::1',
    '[::1',
    '[::2]',
    'user@localhost',
    'localhost/x',
    'localhost#x',
    'localhost localhost',
    'localhost, localhost',
    'http://localhost',
    'localhost\t',
    'lоcalhost',
  ]) {
    it(`does not know ${String(host)}`, () => assert.equal(isForUs(host, socket), false))
  }

  it('knows the address that a client reached where every address is listened on', () => {
    const isForUs = hostCheck('::')
    const mapped = { localAddress: '::ffff:192.0.2.7', localPort: 9471 }
    assert.equal(isForUs('192.0.2.7:9471', mapped), true)
    assert.equal(isForUs('192.0.2.8:9471', mapped), false)
    const six = { localAddress: '2001:db8::7', localPort: 9471 }
    assert.equal(isForUs('[2001:db8::7]:9471', six), true)
    assert.equal(isForUs('evil.example.com:9471', six), false)
  })
})

describe('isFromStranger', () => {
  const ours = 'https://rekeyd.example.com:9471'
  for (const [headers, expected] of [
    [{}, false],
    [{ origin: ours }, false],
    [{ origin: ours, 'sec-fetch-site': 'same-origin' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, true],
    [{ 'sec-fetch-site': 'same-site' }, true],
    [{ 'sec-fetch-site': 'anything' }, true],
    [{ origin: 'null' }, true],
    [{ origin: '' }, true],
    [{ origin: 'http://rekeyd.example.com:9471' }, true],
    [{ origin: 'https://rekeyd.example.com' }, true],
    [{ origin: 'https://evil.example.com', 'sec-fetch-site': 'same-origin' }, true],
    [{ origin: ours, 'sec-fetch-site': 'cross-site' }, true],
  ] as const) {
    it(`says ${String(expected)} for ${JSON.stringify(headers)}`, () =>
      assert.equal(isFromStranger(headers, ours), expected))
  }
})
