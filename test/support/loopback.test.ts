import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopback } from '../../src/support/loopback.ts'

describe('isLoopback', () => {
  it('knows the addresses that only this host can reach', () => {
    for (const host of ['localhost', '127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1']) {
      assert.ok(isLoopback(host), host)
    }
  })

  it('takes nothing else for one, least of all what only looks like it', () => {
    const others = ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'fe80::1', '', '127.1', '[::1]']
    for (const host of [...others, '127.0.0.1.example.com', 'localhost.example.com', 'LOCALHOST']) {
      assert.ok(!isLoopback(host), host)
    }
  })
})
