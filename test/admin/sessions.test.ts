import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { beginCookie, endCookie, readCookie } from '../../src/admin/session-cookie.ts'
import { Sessions } from '../../src/admin/sessions.ts'
import { FakeClock } from '../fakes/fake-clock.ts'

const hour = 3_600_000
let clock: FakeClock
let sessions: Sessions
beforeEach(() => {
  clock = new FakeClock()
  sessions = new Sessions(clock)
})
const open = () => sessions.open({ sha256: '00' })

describe('Sessions', () => {
  it('knows a session by its secret, and no other', () => {
    const [first, second] = [open(), open()]
    assert.notEqual(first, second)
    assert.equal(sessions.use(first)?.sha256, '00')
    assert.notEqual(sessions.use(first)?.csrf, sessions.use(second)?.csrf)
    assert.equal(sessions.use(`${first}x`), undefined)
    assert.equal(sessions.use(''), undefined)
  })

  it('ends one that is not used for an hour', async () => {
    const secret = open()
    await clock.advance(hour - 1)
    assert.ok(sessions.use(secret))
    await clock.advance(hour - 1)
    const session = sessions.use(secret)
    assert.ok(session && sessions.isOpen(session))
    await clock.advance(hour)
    assert.ok(!sessions.isOpen(session))
    assert.equal(sessions.use(secret), undefined)
  })

  it('ends one after twelve hours, however often it is used', async () => {
    const secret = open()
    for (let half = 1; half < 24; half += 1) {
      await clock.advance(hour / 2)
      assert.ok(sessions.use(secret), `${half}`)
    }
    await clock.advance(hour / 2)
    assert.equal(sessions.use(secret), undefined)
  })

  it('is not kept open by a clock that is set back', async () => {
    const secret = open()
    await clock.jump(-400 * 24 * hour)
    await clock.advance(hour)
    assert.equal(sessions.use(secret), undefined)
  })

  it('keeps at most 64, those used last', () => {
    const kept = open()
    const dropped = open()
    for (let more = 0; more < 63; more += 1) {
      sessions.use(kept)
      open()
    }
    assert.ok(sessions.use(kept))
    assert.equal(sessions.use(dropped), undefined)
  })

  it('ends one that signs out', () => {
    const secret = open()
    const session = sessions.use(secret)
    assert.ok(session)
    sessions.close(session)
    assert.equal(sessions.use(secret), undefined)
  })
})

describe('the session cookie', () => {
  const secret = 's'.repeat(43)

  it('goes to this host only, over TLS or loopback, and to no script', () => {
    assert.equal(
      beginCookie(secret),
      `__Host-rekeyd=${secret}; Path=/; Secure; HttpOnly; SameSite=Strict`,
    )
    assert.match(endCookie, /^__Host-rekeyd=; .*Max-Age=0$/)
  })

  it('is read where there is exactly one that can be ours', () => {
    assert.equal(readCookie(`a=b; __Host-rekeyd=${secret};c=d`), secret)
    for (const header of [
      undefined,
      '',
      'a=b',
      '__Host-rekeyd=short',
      `__Host-rekeyd=${secret}; __Host-rekeyd=${'t'.repeat(43)}`,
      `x__Host-rekeyd=${secret}`,
      `__Host-rekeyd=${secret.slice(1)} `,
    ]) {
      assert.equal(readCookie(header), undefined, header)
    }
  })
})
