import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { scratchApp } from './scratch-app.ts'

let scratch: ReturnType<typeof scratchApp>
beforeEach(() => {
  scratch = scratchApp()
})
afterEach(() => scratch.app.close())

const ask = async (method: 'GET' | 'POST', headers: Readonly<Record<string, string>>) => {
  const url = method === 'GET' ? '/v1/status' : '/v1/materials/key/approve'
  const { statusCode } = await scratch.app.inject({ method, url, headers })
  return statusCode
}

/** A browser may reach the socket through `ssh -L PORT:SOCKET`. */
describe('the unix socket', () => {
  it('is answered by any name that nobody else can have', async () => {
    for (const host of [
      'localhost',
      'localhost:9471',
      '127.0.0.1:80',
      '[::1]:9471',
      'rekeyd',
      '',
    ]) {
      assert.equal(await ask('GET', { host }), 200, host)
    }
  })

  it('shows nothing to a page that made its own name resolve to us', async () => {
    for (const host of ['evil.example.com', 'evil.example.com:9471', '192.0.2.1', 'a@b', 'a b']) {
      assert.equal(await ask('GET', { host }), 421, host)
    }
  })

  it('does nothing for the pages of others', async () => {
    const host = 'localhost:9471'
    for (const headers of [
      { origin: 'https://evil.example.com' },
      { origin: 'http://localhost:3000' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal(await ask('POST', { host, ...headers }), 403)
    }
    assert.deepEqual(scratch.fake.calls, [])
    assert.equal(await ask('POST', { host, origin: `http://${host}` }), 204)
    assert.equal(await ask('POST', { host }), 204)
  })

  it('needs no sign-in: its page may do everything', async () => {
    const page = await scratch.app.inject({ url: '/', headers: { accept: 'text/html' } })
    assert.equal(page.statusCode, 200)
    assert.match(page.body, /admin socket/)
    assert.ok(!page.body.includes('sign-out'))
    const asked = await scratch.app.inject({
      method: 'POST',
      url: '/sign-in',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'token=x',
    })
    assert.equal(asked.statusCode, 303)
    assert.equal(asked.headers['set-cookie'], undefined)
  })
})
